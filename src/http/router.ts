/** Finds the row of the route table for a path. Literal segments win over parameters; a trailing slash is another path. */
import type { Method, Route } from './route.ts';

export interface Match {
  /** every route at this path by method */
  routes: ReadonlyMap<Method, Route>;
  /** raw, still percent-encoded */
  values: readonly string[];
}

export interface Router {
  find(path: string): Match | null;
}

interface Node {
  literals: Map<string, Node>;
  parameter: Node | null;
  routes: Map<Method, Route>;
}

const newNode = (): Node => ({ literals: new Map(), parameter: null, routes: new Map() });

/** Throws where two rows have the same method and path. */
export function createRouter(table: readonly Route[]): Router {
  const root = newNode();
  /** paths without parameters, where most calls go */
  const plain = new Map<string, Match>();
  for (const route of table) {
    let node = root;
    for (const segment of segmentsOf(route.path)) node = childOf(node, segment);
    if (node.routes.has(route.method)) throw new Error(`two routes for ${route.method} ${route.path}`);
    node.routes.set(route.method, route);
    if (!route.path.includes('{')) plain.set(route.path, { routes: node.routes, values: [] });
  }
  return {
    find(path) {
      const found = plain.get(path);
      if (found) return found;
      const values: string[] = [];
      const node = path.startsWith('/') ? walk(root, segmentsOf(path), 0, values) : null;
      return node && { routes: node.routes, values };
    },
  };
}

function segmentsOf(path: string): string[] {
  return path.slice(1).split('/');
}

function childOf(node: Node, segment: string): Node {
  if (segment.startsWith('{')) return (node.parameter ??= newNode());
  const child = node.literals.get(segment) ?? newNode();
  node.literals.set(segment, child);
  return child;
}

function walk(node: Node, segments: readonly string[], at: number, values: string[]): Node | null {
  const segment = segments[at];
  if (segment === undefined) return node.routes.size > 0 ? node : null;
  const literal = node.literals.get(segment);
  const found = literal && walk(literal, segments, at + 1, values);
  if (found) return found;
  if (!node.parameter || segment === '') return null;
  values.push(segment);
  const through = walk(node.parameter, segments, at + 1, values);
  if (!through) values.pop();
  return through;
}

/** Names in braces, in order. */
export function paramNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}
