import { isAbsoluteUrl, joinUrl, readUrl, type SafeUrl } from './base-url.ts';
import type { Route } from './config.ts';
import type { ResolvedProvider } from './endpoints.ts';
import { canonicalField, fieldNameFault, fieldValueFault } from './field-rules.ts';
import { isLoopback, reaches } from './reach.ts';
import { credentialExists } from './references.ts';
import type { CredentialConfig, RouteFile } from './schema.ts';
import type { Sections } from './sections.ts';
import { suggestion } from './suggest.ts';
import { resolveTls } from './tls.ts';

/** The routes in file order, everything resolved; what is wrong is told and leaves its route out. */
export function resolveRoutes(sections: Sections, providers: ReadonlyMap<string, ResolvedProvider>): Route[] {
  const routes: Route[] = [];
  for (const prefix of sections.routes.names) {
    const fault = prefixFault(prefix);
    if (fault !== undefined) sections.tell(['routes', prefix], fault, { atKey: true });
  }
  for (const [prefix, file] of sections.routes.entries) {
    checkReferences(prefix, file, sections);
    checkMethods(prefix, file, sections);
    checkHeaders(
      prefix,
      file,
      sections,
      providers.get(file.credential),
      sections.credentials.entries.get(file.credential),
    );
    const upstream = resolveUpstream(prefix, file, sections, providers.get(file.credential));
    const towards = { what: 'upstreams', secure: upstream?.secure };
    const tls = resolveTls(['routes', prefix, 'tls'], file.tls, towards, sections);
    if (upstream === undefined) continue;
    const { origin, host, path } = upstream;
    routes.push({ ...file, prefix, upstream: { origin, host, base_path: path }, methods: file.methods, tls });
  }
  return routes;
}

/** Why a route prefix is refused, or undefined: a prefix is compared byte by byte, so it must have one spelling only. */
function prefixFault(prefix: string): string | undefined {
  if (!prefix.startsWith('/')) return 'a route prefix begins with a slash; write /name';
  if (prefix === '/') return undefined;
  if (prefix.includes('//')) return 'a route prefix has no empty segment (//); write single slashes';
  if (prefix.endsWith('/')) return 'a route prefix does not end in a slash; remove it';
  if (prefix.includes('%')) return 'a route prefix has no percent-encoding; write the characters themselves';
  if (/(?:^|\/)\.{1,2}(?:[;/]|$)/.test(prefix))
    return 'a route prefix has no dot segment; write the path it means';
  if (/^[A-Za-z0-9\-._~!$&'()*+,;=:@/]+$/.test(prefix)) return undefined;
  return "a route prefix has only letters, digits, slashes and - . _ ~ ! $ & ' ( ) * + , ; = : @ (RFC 3986 §3.3)";
}

function checkReferences(prefix: string, file: RouteFile, sections: Sections): void {
  const { callers, tell, quote } = sections;
  credentialExists(prefix, file.credential, sections);
  for (const [index, caller] of (file.callers ?? []).entries()) {
    const path = ['routes', prefix, 'callers', index];
    if (!callers.names.has(caller))
      tell(path, `unknown caller ${quote(path, caller)}${suggestion(caller, callers.names)}`);
  }
}

function checkMethods(prefix: string, file: RouteFile, { tell }: Sections): void {
  for (const [index, method] of (file.methods ?? []).entries()) {
    const path = ['routes', prefix, 'methods', index];
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(method)) tell(path, 'this is not a method name (RFC 9110 §9.1)');
    else if (method === 'TRACE' || method === 'CONNECT')
      tell(path, 'TRACE and CONNECT are never forwarded; remove it');
  }
  if (file.upgrade && file.methods?.includes('GET') === false) {
    const message = 'a WebSocket begins with GET, which methods leaves out; add GET to it, or remove upgrade';
    tell(['routes', prefix, 'upgrade'], message);
  }
}

function checkHeaders(
  prefix: string,
  file: RouteFile,
  { tell }: Sections,
  resolved: ResolvedProvider | undefined,
  credential: CredentialConfig | undefined,
): void {
  const attach = resolved?.provider.attach;
  const token = new Set((attach ? [attach.header, ...Object.keys(attach.headers)] : []).map(canonicalField));
  const tenant = credential?.tenant?.header;
  for (const [name, value] of Object.entries(file.headers.set)) {
    const path = ['routes', prefix, 'headers', 'set', name];
    const carried = token.has(canonicalField(name))
      ? `the field ${name} comes with the token; remove it`
      : undefined;
    const fault = fieldNameFault(name) ?? carried;
    if (fault !== undefined) tell(path, fault, { atKey: true });
    const valueFault = fieldValueFault(value);
    if (valueFault !== undefined) tell(path, valueFault);
  }
  for (const [index, name] of file.headers.remove.entries()) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      tell(['routes', prefix, 'headers', 'remove', index], 'this is not a field name (RFC 9110 §5.1)');
    }
  }
  if (tenant !== undefined && token.has(canonicalField(tenant))) {
    tell(
      ['credentials', file.credential, 'tenant', 'header'],
      'the tenant field comes with the token; use another name',
    );
  }
}

function resolveUpstream(
  prefix: string,
  file: RouteFile,
  sections: Sections,
  resolved: ResolvedProvider | undefined,
): SafeUrl | undefined {
  const { tell } = sections;
  const path = ['routes', prefix, 'upstream'];
  const given = file.upstream;
  if (given === undefined || !isAbsoluteUrl(given)) {
    if (given !== undefined && !given.startsWith('/')) {
      tell(
        path,
        "an upstream is https://host/path, or a path under the provider's base_url that begins with a slash",
      );
      return undefined;
    }
    if (resolved === undefined || (resolved.baseGiven && resolved.base === undefined)) return undefined;
    if (resolved.base === undefined) {
      const why = given === undefined ? 'the upstream is missing' : 'the upstream is relative';
      tell(
        path,
        `${why} and provider ${resolved.provider.name} has no base_url; write upstream: https://host/path`,
        { atKey: given === undefined },
      );
      return undefined;
    }
  }
  const base = resolved?.base;
  const text =
    given === undefined || !isAbsoluteUrl(given)
      ? joinUrl(`${base?.origin}${base?.path}`, given ?? '')
      : given;
  const url = readUrl(text);
  const fault = url.ok ? upstreamFault(url, file, sections) : url.message;
  if (fault !== undefined)
    tell(path, `upstream: ${fault}`, { hide: !url.ok && url.hide, atKey: given === undefined });
  return url.ok && fault === undefined ? url : undefined;
}

function upstreamFault(url: SafeUrl, file: RouteFile, { server }: Sections): string | undefined {
  if (server !== undefined && reaches(server.listen, url.hostname, url.port)) {
    return "this is Cupbearer's own listener; write the address of the API";
  }
  if (server !== undefined && reaches(server.admin, url.hostname, url.port)) {
    return "this is Cupbearer's admin listener; write the address of the API";
  }
  if (url.secure || file.allow_insecure || isLoopback(url.hostname)) return undefined;
  return 'http:// shows the token to the network; write https://, or set allow_insecure: true on this route';
}
