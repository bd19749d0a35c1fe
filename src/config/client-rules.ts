import type { Json, TokenRequest } from '../provider/provider.ts';
import type { CredentialCheck } from './credential-check.ts';
import { type GrantRule, grantRules } from './grant-rules.ts';
import { checkSigning } from './signing-rules.ts';

/** Tells what the client authentication of a credential's requests needs and does not have, and what it has for nothing. */
export function checkClient(check: CredentialCheck): void {
  const { credential, provider, sections, name } = check;
  const rule = grantRules[credential.grant_type];
  const { revoke, extend } = provider;
  const requests = rule.requests.map((kind) => provider[kind]).filter((one) => one !== undefined);
  const sent = new Set([...requests, ...(extend ? [extend] : [])]);
  if (revoke !== undefined && credential.revoke_on_shutdown) sent.add(revoke);
  const methods = new Set([...sent].map(({ client_auth }) => client_auth));
  for (const method of methods) checkMethod(method, rule, check);
  checkSigning(methods, check);
  const usesSecret = [...sent, ...(revoke ? [revoke] : [])].some(mayCarrySecret);
  const signs = credential.grant_type === 'authorization_code' && provider.authorize?.signature !== undefined;
  if (
    credential.client_secret !== undefined &&
    !usesSecret &&
    !signs &&
    !names(credential.params, 'client_secret')
  ) {
    const why = `provider ${provider.name} has client_auth ${[...methods].join(' and ')}`;
    sections.tell(['credentials', name, 'client_secret'], `client_secret is not used: ${why}; remove it`, {
      atKey: true,
      level: 'warning',
    });
  }
}

function checkMethod(method: TokenRequest['client_auth'], rule: GrantRule, check: CredentialCheck): void {
  const { name, credential, provider, sections, need } = check;
  const why = `provider ${provider.name} wants ${method}`;
  switch (method) {
    case 'none':
      if (credential.grant_type === 'client_credentials' && credential.using === undefined) {
        need('client_id', 'grant_type client_credentials needs it');
      }
      return;
    case 'client_secret_basic':
    case 'client_secret_post':
      if (rule.client !== 'optional' || credential.client_secret !== undefined) need('client_id', why);
      if (rule.client === 'secret') need('client_secret', why);
      return;
    case 'client_secret_jwt':
      need('client_id', why);
      need('client_secret', why);
      return;
    case 'private_key_jwt':
      if (credential.client_assertion !== undefined) return;
      need('client_id', why);
      need('private_key', `${why}, with a key or a client_assertion`);
      return;
    case 'tls_client_auth':
      need('client_id', why);
      if (credential.tls.cert === undefined && credential.tls.key === undefined) {
        const message = `tls.cert and tls.key are missing: ${why}; write tls: { cert: /path.pem, key: /path.pem }`;
        sections.tell(['credentials', name], message, { atKey: true });
      }
  }
}

function mayCarrySecret({ client_auth, url, params, headers }: TokenRequest): boolean {
  return client_auth.startsWith('client_secret') || names([url, params, headers], 'client_secret');
}

/** Whether a text in the value has the placeholder. */
export function names(value: Json, placeholder: string): boolean {
  if (typeof value === 'string') return value.includes(`{${placeholder}}`);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((inner: Json) => names(inner, placeholder));
}
