import { attachedNames, isKeyName } from '../provider/static-key.ts';
import { isFieldValue } from '../provider/template.ts';
import { type CredentialCheck, placeOf } from './credential-check.ts';
import { type CredentialKey, grantKeys } from './grant-rules.ts';

/** What a credential may say that asks nobody; its others are for token requests. */
const used: readonly CredentialKey[] = [
  'provider',
  'grant_type',
  'base_url',
  'client_id',
  'client_secret',
  'token',
  'warm',
];
const sendable = '{access_token}, {basic}, {client_id} or {client_secret}';

/** Tells what a key that is sent as it is needs and does not have, or has for nothing. */
export function checkStatic(check: CredentialCheck): void {
  const { name, credential, provider, sections, need } = check;
  const path = (key: string) => ['credentials', name, key];
  for (const key of Object.keys(credential) as CredentialKey[]) {
    if (used.includes(key) || Object.hasOwn(grantKeys, key) || !sections.has(path(key))) continue;
    const message = `grant_type static does not use \`${key}\`: nobody is asked for a token; remove it`;
    sections.tell(path(key), message, { atKey: true });
  }
  const names = attachedNames(provider);
  const place = placeOf(check, ['attach', 'value'], ['attach', 'headers'], ['attach']);
  for (const one of names) {
    if (isKeyName(one)) continue;
    sections.tell(place, `{${one}} has no value with grant_type static; there is ${sendable}`);
  }
  if (!names.some(isKeyName)) {
    sections.tell(place, `provider ${provider.name} sends no key: its attach has none of ${sendable}`);
  }
  const wants = (one: string) => `provider ${provider.name} sends {${one}}`;
  const needed: [CredentialKey, string][] = names.flatMap((one): [CredentialKey, string][] => {
    if (one === 'access_token') return [['token', wants(one)]];
    if (one === 'basic')
      return ['client_id', 'client_secret'].map((key) => [key as CredentialKey, wants(one)]);
    return one === 'client_id' || one === 'client_secret' ? [[one, wants(one)]] : [];
  });
  for (const [key, why] of needed) need(key, why);
  for (const key of ['token', 'client_id', 'client_secret'] as const) {
    if (credential[key] === undefined || needed.some(([one]) => one === key)) continue;
    sections.tell(path(key), `${key} is not used: ${wants(names.find(isKeyName) ?? '…')}; remove it`, {
      atKey: true,
      level: 'warning',
    });
  }
  checkTexts(check, names);
}

function checkTexts({ name, credential, sections }: CredentialCheck, names: readonly string[]): void {
  const { token, client_id, client_secret } = credential;
  const tell = (key: CredentialKey, message: string) =>
    sections.tell(['credentials', name, key], message, { hide: key !== 'client_id' });
  if (token && !isFieldValue(token.reveal())) {
    tell('token', 'this may not stand in a header field: visible ASCII, space and tab');
  }
  if (Array.isArray(client_secret)) {
    tell('client_secret', 'grant_type static sends one key; write one, and put the next into its file');
  } else if (client_secret && names.includes('client_secret') && !isFieldValue(client_secret.reveal())) {
    tell('client_secret', 'this may not stand in a header field: visible ASCII, space and tab');
  }
  if (client_id?.includes(':') && names.includes('basic')) {
    tell('client_id', 'a user name of Basic has no colon (RFC 7617 §2)');
  }
}
