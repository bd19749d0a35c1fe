import type { ResolvedProvider } from './endpoints.ts';
import { canonicalField } from './field-rules.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections } from './sections.ts';
import { suggestion } from './suggest.ts';
import { resolveTls } from './tls.ts';

type Providers = ReadonlyMap<string, ResolvedProvider>;

/** The credentials in file order, their TLS files with absolute paths; what is wrong between them is told. */
export function resolveCredentials(
  sections: Sections,
  providers: Providers,
): Record<string, CredentialConfig> {
  const resolved: [string, CredentialConfig][] = [];
  for (const [name, credential] of sections.credentials.entries) {
    checkUsing(name, credential, sections, providers);
    const secure = providers.get(name)?.secure;
    const towards = { what: 'token endpoints', secure };
    const tls = resolveTls(['credentials', name, 'tls'], credential.tls, towards, sections);
    if (secure === false && wantsCertificate(providers.get(name))) {
      sections.tell(['credentials', name, 'provider'], 'tls_client_auth needs an https:// token URL');
    }
    resolved.push([name, { ...credential, tls }]);
  }
  return Object.fromEntries(resolved);
}

function wantsCertificate(resolved: ResolvedProvider | undefined): boolean {
  const { token, refresh, exchange } = resolved?.provider ?? {};
  return [token, refresh, exchange].some((request) => request?.client_auth === 'tls_client_auth');
}

/** Tells what is wrong with the credential whose token this one uses. */
function checkUsing(
  name: string,
  { using, tenant, grant_type }: CredentialConfig,
  sections: Sections,
  providers: Providers,
): void {
  if (using === undefined) return;
  const path = ['credentials', name, 'using'];
  const fault = referenceFault(name, using, sections);
  if (fault !== undefined) {
    sections.tell(path, fault);
    return;
  }
  const lender = sections.credentials.entries.get(using);
  if (lender?.tenant !== undefined && tenant === undefined) {
    const write = `tenant: { header: ${lender.tenant.header} }`;
    sections.tell(path, `credential ${using} has tenants; write ${write} for ${name} too`);
  }
  const carried = providers.get(using)?.provider.attach;
  const borrower = providers.get(name)?.provider;
  const basic = grant_type === 'client_credentials' && borrower?.token.client_auth === 'client_secret_basic';
  if (carried !== undefined && basic && canonicalField(carried.header) === 'authorization') {
    const both = `the token of ${using} goes into Authorization, where provider ${borrower.name} has the client secret`;
    sections.tell(path, `${both}; write client_auth: none or client_secret_post under its token:`);
  }
}

function referenceFault(name: string, using: string, { credentials, quote }: Sections): string | undefined {
  if (using === name) return 'the credential uses itself; name the one whose token it needs';
  if (!credentials.names.has(using)) {
    const others = [...credentials.names].filter((other) => other !== name);
    return `unknown credential ${quote(['credentials', name, 'using'], using)}${suggestion(using, others)}`;
  }
  const seen = [name];
  let next: string | undefined = using;
  while (next !== undefined && !seen.includes(next)) {
    seen.push(next);
    next = credentials.entries.get(next)?.using;
  }
  return next === name ? `the credential uses itself: ${[...seen, name].join(' → ')}` : undefined;
}
