/** TypeScript types, as text, of the JSON schemas that the API is checked by. */

export interface Schema {
  $id?: string;
  $ref?: string;
  description?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  type?: string | readonly string[];
  items?: Schema | readonly Schema[];
  properties?: Record<string, Schema>;
  required?: readonly string[];
}

export interface Member {
  name: string;
  schema: Schema;
  optional: boolean;
  /** instead of the schema's */
  type?: string;
}

export interface Types {
  typeOf(schema: Schema): string;
  membersType(members: readonly Member[]): string;
  /** declarations of all types with a name (`$id`) that were met so far, by name */
  named(): string[];
}

export function comment(text: string | undefined): string {
  return text ? `/** ${text} */\n` : '';
}

export function createTypes(): Types {
  const declarations = new Map<string, string>();

  function typeOf(schema: Schema): string {
    // The refusals' common members are a type of their own.
    if (schema.$id === 'Problem') return 'Problem & { retryAfterSeconds?: number }';
    if (schema.$id === undefined) return plainTypeOf(schema);
    if (!declarations.has(schema.$id))
      declarations.set(schema.$id, `export interface ${schema.$id} ${plainTypeOf(schema)}`);
    return schema.$id;
  }

  function plainTypeOf({ $ref, const: value, enum: values, anyOf, type, items, properties, required }: Schema): string {
    if ($ref) return $ref.split('/').at(-1) ?? '';
    if (value !== undefined) return JSON.stringify(value);
    if (values) return values.map((one) => JSON.stringify(one)).join(' | ');
    if (anyOf) return anyOf.map(typeOf).join(' | ');
    if (Array.isArray(type)) return type.map((one) => PLAIN[one]).join(' | ');
    if (Array.isArray(items)) return `[${items.map(typeOf).join(', ')}]`;
    if (items) return `(${typeOf(items as Schema)})[]`;
    if (!properties) return PLAIN[String(type)] ?? 'unknown';
    const members = Object.entries(properties).map(([name, schema]) => {
      return { name, schema, optional: required?.includes(name) !== true };
    });
    return membersType(members);
  }

  function membersType(members: readonly Member[]): string {
    if (members.length === 0) return 'Record<string, never>';
    const lines = members.map(({ name, schema, optional, type }) => {
      // Of what may be null, the description is with what it is else.
      const description = schema.description ?? schema.anyOf?.[0]?.description;
      return `${comment(description)}${name}${optional ? '?' : ''}: ${type ?? typeOf(schema)};`;
    });
    return `{\n${lines.join('\n')}\n}`;
  }

  return {
    typeOf,
    membersType,
    named: () => [...declarations].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text),
  };
}

const PLAIN: Record<string, string> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
};
