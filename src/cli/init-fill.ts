import { dirname, join } from 'node:path';
import { CupbearerError } from '../errors.ts';
import { deviceCode, type GrantType, hasSession } from '../provider/grant-type.ts';
import type { CommandInput } from './command.ts';
import { type Draft, type Lack, lacksOf } from './init-draft.ts';
import type { Choose } from './init-question.ts';
import { isSecret, secretPlaces, textOf, variableOf } from './init-secret.ts';
import { grantOf, type Vendor } from './init-vendor.ts';

type Options = CommandInput['options'];

/** Where the new entries go. */
export interface Target {
  /** The whole text with a draft's entries in it. */
  compose(draft: Draft): string;
  /** Whether it has a store already. */
  readonly hasStore: boolean;
  /** The credential there whose provider is this preset. */
  lenderOf(preset: string): string | undefined;
}

/** A draft for a vendor that nothing is missing of: from options, else what `choose` gets. Throws `usage`. */
export async function fillDraft(
  vendor: Vendor,
  options: Options,
  target: Target,
  choose: Choose,
): Promise<Draft> {
  let draft = await begin(vendor, options, target, choose);
  const places = secretPlaces(draft.credential, options, choose);
  const asked = new Set<string>();
  let lacks = usual(vendor, draft);
  for (;;) {
    if (lacks.length === 0) lacks = lacksOf(draft, target.compose(draft));
    if (lacks.length === 0) return draft;
    for (const lack of lacks) {
      const id = JSON.stringify(lack);
      if (asked.has(id))
        throw new CupbearerError('usage', `${describeLack(lack)} does not fit this provider`);
      asked.add(id);
      draft = await supply(lack, vendor, draft, choose, places);
    }
    lacks = [];
  }
}

/** What most clients have, needed or not. */
function usual(vendor: Vendor, { grant, keys }: Draft): Lack[] {
  const clients: readonly GrantType[] = ['client_credentials', 'refresh_token', 'password'];
  const login = grant === 'authorization_code' || grant === deviceCode;
  const names = [
    ...(vendor.lender === undefined && (login || clients.includes(grant)) ? ['client_id'] : []),
    ...(login && vendor.loginWithSecret ? ['client_secret'] : []),
  ];
  return names.filter((name) => keys[name] === undefined).map((name) => ({ kind: 'key', name }));
}

async function begin(vendor: Vendor, options: Options, target: Target, choose: Choose): Promise<Draft> {
  const given = (name: string) => textOf(options, name);
  const named = given('credential');
  const prefix =
    given('prefix') ??
    (await choose({
      text: 'Path prefix of the calls',
      suggested: `/${named ?? (vendor.plain ? 'api' : vendor.preset)}`,
      fault: (answer) => (/^\/[\w./~-]*$/.test(answer) ? undefined : 'a prefix begins with a slash: /name'),
    }));
  const tail = prefix.replaceAll(/[^\w-]+/g, '-').replace(/^-|-$/g, '');
  const credential = named ?? (vendor.plain ? tail || 'api' : vendor.preset);
  const grant = grantOf(
    given('grant-type') ??
      (vendor.grants.length === 1
        ? vendor.grants[0]
        : await choose({
            text: `How tokens are had (${vendor.grants.join(', ')})`,
            suggested: vendor.grants[0],
            fault: (answer) =>
              vendor.grants.some((one) => one === answer) ? undefined : 'write one of these',
          })),
  );
  const variable = variableOf(credential);
  const tokenUrl =
    given('token-url') ??
    (vendor.plain
      ? await choose({
          text: 'Token URL (https://…/token)',
          suggested: `\${${variable}_TOKEN_URL}`,
          fault: urlFault,
        })
      : undefined);
  const login = vendor.wantsLoginUrl && grant === 'authorization_code';
  const authorizeUrl =
    given('authorize-url') ??
    (login
      ? await choose({ text: 'Login URL', suggested: `\${${variable}_LOGIN_URL}`, fault: urlFault })
      : undefined);
  const using = given('using') ?? (vendor.lender === undefined ? undefined : target.lenderOf(vendor.lender));
  if (vendor.lender !== undefined && using === undefined) {
    const first = `cupbearer init --provider ${vendor.lender}`;
    const then = `cupbearer init --add --provider ${vendor.preset}`;
    throw new CupbearerError(
      'usage',
      `the tokens of ${vendor.preset} are had with those of ${vendor.lender}: run first ${first}, then ${then}`,
    );
  }
  const keys = { base_url: given('base-url'), using, client_id: given('client-id'), scope: given('scope') };
  const draft: Draft = {
    preset: vendor.preset,
    credential,
    prefix,
    grant,
    upstream: given('upstream'),
    tokenUrl,
    authorizeUrl,
    keys: Object.fromEntries(
      Object.entries(keys).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ),
  };
  return hasSession(grant) && !target.hasStore ? withStore(draft, options, choose) : draft;
}

async function withStore(draft: Draft, options: Options, choose: Choose): Promise<Draft> {
  const url =
    textOf(options, 'store') ??
    (await choose({
      text: 'Where sessions are kept (sqlite:FILE, rediss://HOST:6379/0, or memory: to lose them with the process)',
      suggested: 'sqlite:sessions.db',
      fault: (answer) =>
        /^(?:memory:$|sqlite:.|rediss?:\/\/.)/.test(answer) ? undefined : 'write one of these',
    }));
  if (url === 'memory:') return draft;
  const file = textOf(options, 'secret-file');
  const key = file === undefined ? '${CUPBEARER_STORE_KEY}' : `\${file:${join(dirname(file), 'store-key')}}`;
  return { ...draft, store: { url, key } };
}

async function supply(
  lack: Lack,
  vendor: Vendor,
  draft: Draft,
  choose: Choose,
  place: (key: string) => Promise<string>,
): Promise<Draft> {
  const variable = variableOf(draft.credential);
  const withKeys = (more: Draft['keys']): Draft => ({ ...draft, keys: { ...draft.keys, ...more } });
  switch (lack.kind) {
    case 'upstream': {
      const suggested = `\${${variable}_URL}`;
      return {
        ...draft,
        upstream: await choose({ text: 'Base URL of the API', suggested, fault: urlFault }),
      };
    }
    case 'tls':
      return withKeys({ tls: { cert: `/tls/${draft.credential}.pem`, key: `/tls/${draft.credential}.key` } });
    case 'tenant': {
      const header = await choose({ text: 'Request field that names the tenant', suggested: 'X-Tenant' });
      return withKeys({ tenant: { header } });
    }
    case 'param': {
      const suggested = `\${${variable}_${lack.name.toUpperCase().replaceAll(/\W/g, '_')}}`;
      const value = await choose({ text: `${lack.name} of your account`, suggested });
      return withKeys({ params: { ...(draft.keys.params as object | undefined), [lack.name]: value } });
    }
    case 'key': {
      const { name } = lack;
      if (name === 'assertion') {
        // One that we sign; a ready one is rarer.
        const [only, other] = vendor.grants;
        // The key file of a service account says who it is.
        const assertion_claims =
          only !== undefined && other === undefined
            ? { scope: `\${${variable}_SCOPE}` }
            : { iss: `\${${variable}_ISSUER}`, sub: `\${${variable}_SUBJECT}` };
        return withKeys({ private_key: await place('private_key'), assertion_claims });
      }
      if (isSecret(name)) return withKeys({ [name]: await place(name) });
      const isUrl = name === 'base_url';
      const suggested = `\${${variable}_${isUrl ? 'URL' : name.toUpperCase()}}`;
      const what = isUrl ? 'Base URL of your account' : `The ${name}, or \${VARIABLE}`;
      return withKeys({
        [name]: await choose({ text: what, suggested, ...(isUrl ? { fault: urlFault } : {}) }),
      });
    }
  }
}

function urlFault(answer: string): string | undefined {
  return /^https?:\/\/\S+$/.test(answer) || /^\$\{.+\}$/.test(answer)
    ? undefined
    : 'write https://host/path, or ${VARIABLE}';
}

function describeLack(lack: Lack): string {
  return 'name' in lack ? lack.name : lack.kind;
}
