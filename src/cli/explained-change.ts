import { nearest } from '../config/suggest.ts';
import { type Decided, never } from './explained-decisions.ts';
import { fieldOf } from './explained-request.ts';

/** What to change, in routes.yaml or in the request, so that it is not refused; undefined when nothing makes it pass. */
export function changeFor(decided: Decided): string | undefined {
  const { config, request, head, verdict, route } = decided;
  switch (verdict.code) {
    case 'host-refused': {
      const host = (fieldOf(head, 'host') ?? '').replace(/:\d*$/, '');
      return `add ${host} to server.hosts, or call localhost, 127.0.0.1 or [::1]`;
    }
    case 'browser-refused': {
      if (head.fields.some(([name]) => /^access-control-request-/i.test(name))) return undefined;
      const origin = fieldOf(head, 'origin');
      return origin === undefined
        ? 'a web page may call when it sends an Origin that is in server.origins; a link or an address typed into a browser never passes'
        : `add ${origin} to server.origins if that page may call`;
    }
    case 'route-not-found':
      return noRoute(decided);
    case 'caller-unknown':
      return `present a key of ${Object.keys(config.callers).join(', ')}: --caller NAME, or --header 'X-Api-Key: …'`;
    case 'caller-not-allowed':
      return notAllowed(decided);
    case 'method-not-allowed':
      return route?.methods === undefined || never.has(request.method)
        ? undefined
        : `add ${request.method} to methods of route ${route.prefix}`;
    case 'tenant-required':
      return `send the field ${route && config.credentials[route.credential]?.tenant?.header} once`;
    case 'body-too-large':
      return route && `raise max_body of route ${route.prefix}`;
    default:
      return undefined;
  }
}

/** Which of the two lists leaves the caller out. */
function notAllowed({ config, verdict: { caller = '' }, route }: Decided): string | undefined {
  if (route === undefined) return undefined;
  const own = config.callers[caller]?.routes;
  const changes = [
    ...(own !== undefined && !own.includes(route.prefix)
      ? [`add ${route.prefix} to callers.${caller}.routes`]
      : []),
    ...(route.callers !== undefined && !route.callers.includes(caller)
      ? [`add ${caller} to callers of route ${route.prefix}`]
      : []),
  ];
  return changes.join(', and ');
}

function noRoute({ config, head }: Decided): string {
  const prefixes = config.routes.map(({ prefix }) => prefix);
  const first = /^\/[^/?]*/.exec(head.target)?.[0] ?? head.target;
  const near = nearest(first, prefixes);
  if (near !== undefined) return `did you mean ${near}?`;
  return prefixes.length <= 16 ? `the routes are ${prefixes.join(', ')}` : 'cupbearer check lists the routes';
}
