/** Holds the parts of a request against the schemas of its route, and says in words what does not fit. */
import type { TObject, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { Fault } from './route.ts';

/** More than these are not told: whoever sends worse corrects these first. */
const FAULTS_MAX = 20;

type SchemaFault = ReturnType<Validator['Errors']>[number];

export type Checked = { value: unknown } | { faults: Fault[] };
export type Check = (value: unknown) => Checked;

/** `where` comes before each path: '' for a body, `query` or `path` for the other parts. */
export function createCheck(schema: TSchema, where: string): Check {
  const validator = Compile(schema);
  return (value) =>
    validator.Check(value)
      ? { value }
      : { faults: faultsOf(validator.Errors(value)).map((fault) => ({ ...fault, path: where + fault.path })) };
}

/** A check for a query string: values are text there, and integers and booleans are told by the schema. */
export function createQueryCheck(schema: TObject | undefined): (query: string) => Checked {
  const properties = schema?.properties ?? {};
  const check = schema ? createCheck(schema, 'query') : null;
  return (query) => {
    if (query === '' && !check) return { value: {} };
    if (!isPercentEncoded(query)) return { faults: [{ path: 'query', message: 'is not percent-encoded UTF-8' }] };
    const given = new URLSearchParams(query);
    const value: Record<string, unknown> = {};
    for (const [name, property] of Object.entries(properties))
      if ('default' in property) value[name] = property.default;
    for (const [name, text] of given) {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (!property) return { faults: [{ path: `query/${name}`, message: 'is unknown' }] };
      if (given.getAll(name).length > 1)
        return { faults: [{ path: `query/${name}`, message: 'is given more than once' }] };
      value[name] = fromText(text, property);
    }
    return check ? check(value) : { value };
  };
}

function fromText(text: string, property: TSchema): unknown {
  const type = 'type' in property ? property.type : undefined;
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function isPercentEncoded(text: string): boolean {
  if (!text.includes('%')) return true;
  return decode(text) !== null;
}

/** null where the text is not percent-encoded UTF-8. */
export function decode(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function faultsOf(errors: readonly SchemaFault[]): Fault[] {
  const faults = new Map<string, string>();
  const note = (path: string, message: string) => faults.has(path) || faults.set(path, message);
  for (const error of errors) {
    const { instancePath: path } = error;
    if (error.keyword === 'required')
      for (const name of error.params.requiredProperties) note(`${path}/${name}`, 'is required');
    else if (error.keyword === 'boolean') note(path, 'is unknown');
    else if (error.keyword === 'const') note(path, `must be one of ${constantsAt(path, errors)}`);
    else if (error.keyword === 'enum') note(path, `must be one of ${listed(error.params.allowedValues)}`);
    else if (error.keyword === 'type') note(path, `must be ${typesAt(path, errors)}`);
    else if (error.keyword !== 'additionalProperties') note(path, error.message);
  }
  return [...faults].slice(0, FAULTS_MAX).map(([path, message]) => ({ path, message }));
}

/** A union of words fails once for each of them. */
function constantsAt(path: string, errors: readonly SchemaFault[]): string {
  const words = errors.flatMap((error) =>
    error.keyword === 'const' && error.instancePath === path ? [error.params.allowedValue] : [],
  );
  return listed(words);
}

function listed(words: readonly unknown[]): string {
  return words.map((word) => JSON.stringify(word)).join(', ');
}

function typesAt(path: string, errors: readonly SchemaFault[]): string {
  return errors
    .flatMap((error) => (error.keyword === 'type' && error.instancePath === path ? error.params.type : []))
    .join(' or ');
}
