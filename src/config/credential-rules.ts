import { readUrl } from './base-url.ts';
import { checkClient, names } from './client-rules.ts';
import type { CredentialCheck } from './credential-check.ts';
import { fieldNameFault } from './field-rules.ts';
import { type CredentialKey, grantKeys, grantRules, shortGrant } from './grant-rules.ts';
import { checkLogin } from './login-rules.ts';
import { checkPlaceholders } from './placeholder-rules.ts';
import { isLoopback } from './reach.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections } from './sections.ts';
import { checkStatic } from './static-rules.ts';

/** Tells what a grant needs and the credential or its provider does not have, and what the credential has for nothing. */
export function checkCredential(
  name: string,
  credential: CredentialConfig,
  { provider, chain }: Pick<CredentialCheck, 'provider' | 'chain'>,
  sections: Sections,
): void {
  const told = new Set<CredentialKey>();
  const need = (key: CredentialKey, why: string): void => {
    if (credential[key] !== undefined || told.has(key)) return;
    told.add(key);
    const form = key === 'client_id' || key === 'username' ? '${NAME}' : '${NAME} or ${file:/path}';
    sections.tell(['credentials', name], `${key} is missing: ${why}; write ${key}: ${form}`, { atKey: true });
  };
  const check: CredentialCheck = { name, credential, provider, chain, sections, need };
  checkUnused(check);
  if (credential.grant_type === 'static') {
    checkStatic(check);
    return;
  }
  checkClient(check);
  checkGrant(check);
  checkUris(check);
  checkTenant(check);
  checkLogin(check);
  checkPlaceholders(check);
}

function checkGrant({ name, credential, provider, sections, need }: CredentialCheck): void {
  const { grant_type, assertion, assertion_claims, subject_token, using } = credential;
  const grant = shortGrant(grant_type);
  const tell = (keys: readonly string[], message: string, atKey = true) =>
    sections.tell(['credentials', name, ...keys], message, { atKey });
  for (const key of grantRules[grant_type].needs) {
    const starts = key === 'refresh_token';
    need(key, `grant_type ${grant} ${starts ? 'starts with one' : 'needs it'}`);
  }
  const lacks = (what: string, keys: string): void =>
    tell(
      ['grant_type'],
      `provider ${provider.name} ${what}; write providers: { ${provider.name}: { ${keys}: { url: https://… } } }`,
    );
  if (grant === 'authorization_code') {
    if (!provider.authorize?.url) lacks('does not say where a person logs in', 'authorize');
    if (provider.authorize?.signature) {
      need('client_secret', `provider ${provider.name} wants the login signed with it`);
    }
  }
  if (grant === 'device_code' && provider.device_authorization === undefined) {
    lacks('does not say where a device asks for its codes', 'device_authorization');
  }
  if (grant === 'jwt-bearer') {
    if (assertion === undefined && assertion_claims === undefined && credential.private_key !== undefined) {
      const write = 'assertion_claims: { … } with what the provider wants, such as iss, sub or scope';
      tell([], `assertion_claims is missing: private_key signs them; write ${write}`);
    } else if (assertion === undefined && assertion_claims === undefined) {
      need('assertion', 'grant_type jwt-bearer sends one, or signs assertion_claims with private_key');
    }
    if (assertion === undefined && assertion_claims !== undefined) {
      need('private_key', 'assertion_claims are signed with it');
    }
  }
  if (grant === 'token-exchange') {
    if (subject_token === undefined && using === undefined) {
      need(
        'subject_token',
        'grant_type token-exchange exchanges one, or the token of the credential in using',
      );
    }
    if (subject_token !== undefined && using !== undefined) {
      tell(['using'], 'there is a subject_token already; keep subject_token or using');
    }
    if (credential.actor_token !== undefined && credential.actor_token_type === undefined) {
      tell(['actor_token'], 'actor_token needs actor_token_type (RFC 8693 §2.1)');
    }
    if (credential.actor_token_type !== undefined && credential.actor_token === undefined) {
      tell(['actor_token_type'], 'actor_token_type needs actor_token (RFC 8693 §2.1)');
    }
  }
  if (credential.revoke_on_shutdown && provider.revoke === undefined) {
    const keys = `providers: { ${provider.name}: { revoke: { url: https://… } } }`;
    const message = `provider ${provider.name} does not say where a token is revoked; write ${keys}, or remove it`;
    tell(['revoke_on_shutdown'], message);
  }
}

function checkUnused({ name, credential, provider, sections }: CredentialCheck): void {
  for (const [key, grants] of Object.entries(grantKeys)) {
    const path = ['credentials', name, key];
    if (grants.includes(credential.grant_type) || !sections.has(path)) continue;
    const others = grants.filter((grant) => provider.grant_types?.includes(grant) ?? true);
    const instead = others.length === 0 ? '' : `, or write grant_type: ${others.join(' or ')}`;
    const message = `grant_type ${shortGrant(credential.grant_type)} does not use \`${key}\`; remove it${instead}`;
    sections.tell(path, message, { atKey: true });
  }
}

function checkUris({ name, credential, sections }: CredentialCheck): void {
  const { redirect_uri, resource = [] } = credential;
  if (redirect_uri !== undefined) {
    const url = readUrl(redirect_uri, { query: true });
    const cleartext = url.ok && !url.secure && !isLoopback(url.hostname);
    const fault = cleartext
      ? 'http:// would show the code to the network; write https://, or a loopback address'
      : url.ok
        ? undefined
        : url.message;
    if (fault !== undefined)
      sections.tell(['credentials', name, 'redirect_uri'], fault, { hide: !url.ok && url.hide });
  }
  for (const [index, uri] of [resource].flat().entries()) {
    if (/^[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$/.test(uri)) continue;
    const path = ['credentials', name, 'resource', ...(Array.isArray(resource) ? [index] : [])];
    sections.tell(path, 'a resource is an absolute URI without fragment (RFC 8707 §2)');
  }
}

function checkTenant({ name, credential, provider, sections: { tell } }: CredentialCheck): void {
  if (credential.tenant !== undefined) {
    const fault = fieldNameFault(credential.tenant.header);
    if (fault !== undefined) tell(['credentials', name, 'tenant', 'header'], fault);
    return;
  }
  const { token, refresh, exchange, revoke, extend, device_authorization, authorize } = provider;
  const requests = [token, refresh, exchange, device_authorization].filter((one) => one !== undefined);
  const named = [
    ...requests.map(({ url, params, headers }) => [url, { ...params, ...credential.params }, headers]),
    ...[revoke, extend].map((one) => (one === undefined ? [] : [one.url, one.params, one.headers])),
    authorize === undefined ? [] : [authorize.url, authorize.params],
  ];
  if (names(named, 'tenant')) {
    const message =
      '{tenant} is used in a URL, params or headers and there is no tenant; write tenant: { header: X-Tenant }';
    tell(['credentials', name], message, { atKey: true });
  }
}
