import { hasSession } from '../provider/grant-type.ts';
import type { Json, RequestKind } from '../provider/provider.ts';
import { placeholdersIn, soleName } from '../provider/template.ts';
import { type CredentialCheck, placeOf } from './credential-check.ts';
import { requestKinds } from './endpoints.ts';
import { type CredentialKey, grantRules, shortGrant } from './grant-rules.ts';
import type { Path } from './problems.ts';
import { nearest } from './suggest.ts';

/** A text with placeholders, and where the provider or the credential has it. */
interface Template {
  readonly text: string;
  readonly place: Path;
  /** It is left out when it is one placeholder without a value. */
  readonly optional: boolean;
  /** The credential's parameters that stand here in place of a parameter. */
  readonly own?: readonly string[];
}

/** Every name that some request has a value for. */
const requestNames: readonly string[] = (
  'client_id client_secret client_assertion tenant grant_type scope audience resource username password assertion subject_token ' +
  'subject_token_type actor_token actor_token_type requested_token_type device_code refresh_token code redirect_uri ' +
  'code_verifier token token_type_hint'
).split(' ');
/** Every name that a login has one for. */
const loginNames: readonly string[] =
  'client_id tenant timestamp scope audience resource redirect_uri state code_challenge'.split(' ');

/** Tells the placeholders that nothing ever fills in, and those that this credential's requests must fill and cannot. */
export function checkPlaceholders(check: CredentialCheck): void {
  const { name } = check;
  for (const kind of requestKinds) {
    const filled = namesFilled(kind, check);
    const where = `in the ${kind} request of credential ${name}`;
    for (const one of requestTemplates(kind, check)) checkTemplate(one, requestNames, filled, where, check);
  }
  if (namesTokenUrl(check)) {
    const filled = ['tenant', ...given(check, 'client_id')];
    const where = `where credential ${name} names the token URL, in an assertion or a login`;
    for (const one of requestTemplates('token', check)) {
      if (!one.optional) checkTemplate(one, requestNames, filled, where, check);
    }
  }
  const filled = check.credential.grant_type === 'authorization_code' ? loginNamesFilled(check) : undefined;
  for (const one of loginTemplates(check)) {
    checkTemplate(one, loginNames, filled, `in a login with credential ${name}`, check);
  }
}

/** `filled`: the names that have a value; undefined when nothing is sent. */
function checkTemplate(
  { text, place, optional, own = [] }: Template,
  known: readonly string[],
  filled: readonly string[] | undefined,
  where: string,
  { sections, provider }: CredentialCheck,
): void {
  for (const name of placeholdersIn(text)) {
    if (own.includes(name)) continue;
    if (!known.includes(name) && isOfPreset(place)) {
      sections.tell(place, `provider ${provider.name} needs {${name}}; write params: { ${name}: … }`);
    } else if (!known.includes(name)) {
      const near = nearest(name, known);
      const what =
        known === loginNames && requestNames.includes(name)
          ? `{${name}} is not for a login page; there is ${braced(known)}`
          : `unknown placeholder {${name}}; ${near === undefined ? `there is ${braced(known)}` : `did you mean {${near}}?`}`;
      sections.tell(place, what);
    } else if (filled?.includes(name) === false && !(optional && soleName(text) === name)) {
      sections.tell(place, `{${name}} has no value ${where}; there is ${braced(filled)}`);
    }
  }
}

/** Whether a preset has it: what it names must come from the credential. */
function isOfPreset([section, , key]: Path): boolean {
  return section === 'credentials' && key === 'provider';
}

function braced(names: readonly string[]): string {
  return names.map((name) => `{${name}}`).join(', ');
}

/** Whether the token URL is written somewhere: an assertion is for it, and a login tells its origin from others. */
function namesTokenUrl({ credential, provider }: CredentialCheck): boolean {
  const { grant_type, assertion } = credential;
  if (grant_type === 'authorization_code') return true;
  if (shortGrant(grant_type) === 'jwt-bearer' && assertion === undefined) return true;
  const { requests } = grantRules[grant_type];
  return requests.some((kind) => provider[kind]?.client_auth.endsWith('_jwt'));
}

/** What fills placeholders of a request, or may; undefined when the credential does not send it. A tenant is told elsewhere. */
function namesFilled(kind: RequestKind, check: CredentialCheck): readonly string[] | undefined {
  const { credential, provider } = check;
  const { grant_type, using } = credential;
  const proof = provider[kind]?.client_auth.endsWith('_jwt') ? ['client_assertion'] : [];
  const client = ['tenant', ...given(check, 'client_id', 'client_secret'), ...proof];
  const target = given(check, 'scope', 'audience', 'resource');
  const isLogin = grant_type === 'authorization_code';
  if (kind === 'revoke') return [...client, 'token', 'token_type_hint'];
  if (kind === 'extend') return hasSession(grant_type) ? undefined : client;
  if (!grantRules[grant_type].requests.includes(kind)) return undefined;
  switch (kind) {
    case 'refresh':
      return [
        ...client,
        'grant_type',
        'refresh_token',
        ...target,
        ...(isLogin ? ['code', 'redirect_uri'] : []),
      ];
    case 'exchange': {
      const verifier = provider.authorize?.pkce === 'none' ? [] : ['code_verifier'];
      return [...client, 'grant_type', 'code', 'redirect_uri', ...verifier, ...given(check, 'resource')];
    }
    case 'device_authorization':
      return [...client, ...target];
    case 'token':
      switch (shortGrant(grant_type)) {
        case 'client_credentials':
          return using === undefined
            ? [...client, 'grant_type', ...target]
            : [...client, ...given(check, 'scope')];
        case 'password':
          return [...client, 'grant_type', ...given(check, 'username', 'password'), ...target];
        case 'jwt-bearer':
          return [...client, 'grant_type', 'assertion', ...target];
        case 'token-exchange':
          return [
            ...client,
            ...['grant_type', 'subject_token', 'subject_token_type'],
            ...given(check, 'actor_token', 'actor_token_type', 'requested_token_type'),
            ...target,
          ];
        default:
          return [...client, 'grant_type', 'device_code', ...given(check, 'resource')];
      }
  }
}

function loginNamesFilled(check: CredentialCheck): readonly string[] {
  const challenge = check.provider.authorize?.pkce === 'none' ? [] : ['code_challenge'];
  const keys = given(check, 'client_id', 'scope', 'audience', 'resource');
  return ['tenant', 'timestamp', 'redirect_uri', 'state', ...challenge, ...keys];
}

/** The keys that have one text; a list of secrets has the one in use, other lists have none. */
function given({ credential }: CredentialCheck, ...keys: readonly CredentialKey[]): CredentialKey[] {
  return keys.filter((key) => {
    const value = credential[key];
    return value !== undefined && (key === 'client_secret' || !Array.isArray(value));
  });
}

function* requestTemplates(kind: RequestKind, check: CredentialCheck): Generator<Template> {
  const { name, provider, credential } = check;
  const request = provider[kind];
  if (request === undefined) return;
  const place = (...keys: readonly string[]) => placeOf(check, [kind, ...keys], ['token', ...keys]);
  const own = kind === 'revoke' || kind === 'extend' ? {} : credential.params;
  const inUrl = Object.keys(own).filter((param) => own[param] !== null);
  yield { text: request.url, place: place('url'), optional: false, own: inUrl };
  for (const [param, value] of Object.entries(request.params)) {
    if (Object.hasOwn(own, param)) continue;
    for (const text of texts(value)) yield { text, place: place('params', param), optional: true };
  }
  for (const [param, value] of Object.entries(own)) {
    for (const text of texts(value)) {
      yield { text, place: ['credentials', name, 'params', param], optional: true };
    }
  }
  for (const [field, text] of Object.entries(request.headers)) {
    if (text !== null) yield { text, place: place('headers', field), optional: true };
  }
}

function* loginTemplates(check: CredentialCheck): Generator<Template> {
  const { authorize } = check.provider;
  if (authorize === undefined) return;
  const place = (...keys: readonly string[]) => placeOf(check, ['authorize', ...keys]);
  yield { text: authorize.url, place: place('url'), optional: false };
  for (const [param, value] of Object.entries(authorize.params)) {
    for (const text of texts(value)) yield { text, place: place('params', param), optional: true };
  }
  const { signature } = authorize;
  if (signature) yield { text: signature.text, place: place('signature', 'text'), optional: false };
}

/** Every text inside. */
function texts(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner: Json) => texts(inner));
}
