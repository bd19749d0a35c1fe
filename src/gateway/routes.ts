import type { Route } from '../config/config.ts';

export interface RouteMatch<R extends { readonly prefix: string }> {
  readonly route: R;
  /** What follows the prefix: empty, or starts with a slash. */
  readonly rest: string;
}

export interface RouteTable<R extends { readonly prefix: string } = Route> {
  /** The route with the longest prefix that ends at a segment boundary of `path`; raw bytes, case-sensitive. */
  match(path: string): RouteMatch<R> | undefined;
  readonly routes: readonly R[];
}

/** A table whose match costs one look-up per segment of the deepest prefix, however many routes there are. */
export function createRouteTable<R extends { readonly prefix: string }>(routes: readonly R[]): RouteTable<R> {
  const byPrefix = new Map(routes.map((route) => [route.prefix, route]));
  const root = byPrefix.get('/');
  const deepest = Math.max(0, ...routes.map((route) => depthOf(route.prefix)));
  return {
    routes,
    match(path) {
      let found: R | undefined;
      let end = 0;
      for (let depth = 1, cut = 0; depth <= deepest && cut !== path.length; depth++) {
        const slash = path.indexOf('/', cut + 1);
        cut = slash === -1 ? path.length : slash;
        const route = byPrefix.get(path.slice(0, cut));
        if (route !== undefined && route !== root) {
          found = route;
          end = cut;
        }
      }
      if (found !== undefined) return { route: found, rest: path.slice(end) };
      return root && { route: root, rest: path };
    },
  };
}

function depthOf(prefix: string): number {
  return prefix === '/' ? 0 : prefix.split('/').length - 1;
}
