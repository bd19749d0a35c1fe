import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import { printableJson } from '../telemetry/printable.ts';
import { systemClock } from '../token/clock.ts';
import { ageOf, isEndless } from '../token/region.ts';
import type { Token } from '../token/token.ts';
import { chosenCredential, chosenTenant, tenantOption } from './chosen-credential.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { loadOrReport } from './load.ts';
import { openOwnRegistry } from './own-registry.ts';
import { sessionBehind } from './session-reach.ts';

export const command: Command = {
  usage: 'token CREDENTIAL',
  summary: 'Prints the access token of a credential, for scripts.',
  details: `
A session in the store is shared with a running serve: its token is taken as it is while it is fresh, else it is renewed
for both. Other credentials get a token of their own. On a terminal --reveal is needed: what is shown stays on the screen
and in its history. Better: curl -H @<(printf 'Authorization: Bearer %s' "$(cupbearer token CREDENTIAL)") URL

With --json: access_token, expires_in (seconds left; a static key has none), headers (the fields a request upstream
carries), and answer (what the provider said besides, at its top level), the latter only for credentials without a
session.`,
  options: {
    config: configOption,
    tenant: tenantOption,
    json: { type: 'boolean', description: 'Print JSON' },
    reveal: { type: 'boolean', description: 'Print it although standard output is a terminal' },
  },
  positionals: 1,
  sendsSecrets: true,
  run: printToken,
};

async function printToken(input: CommandInput): Promise<0 | 1 | 2> {
  const { options, positionals, out, err } = input;
  const config = loadOrReport(input);
  if (config === undefined) return 2;
  const [name = ''] = positionals;
  const credential = chosenCredential(config, name);
  const tenant = chosenTenant(credential, name, options.tenant);
  if (process.stdout.isTTY === true && options.reveal !== true) {
    err('cupbearer: standard output is a terminal, where the token would stay to be seen;\n');
    err('send it where it is needed (cupbearer token … | …), or add --reveal\n');
    return 1;
  }
  checkReach(config, name);
  const own = await openOwnRegistry(config);
  try {
    const token = await own.registry.get(name, tenant).acquire();
    const answer = hasSession(credential.grant_type) ? undefined : withoutRefreshToken(config, name, token);
    out(
      options.json === true
        ? `${printableJson(JSON.stringify(described(token, answer)))}\n`
        : `${token.reveal()}\n`,
    );
    return 0;
  } finally {
    await own.close();
  }
}

/** A session in memory belongs to the process that serves: to spend its refresh token here would end it there. */
function checkReach(config: Config, name: string): void {
  if (config.store.url.kind !== 'memory') return;
  const holder = sessionBehind(config, name);
  if (holder === undefined) return;
  throw new CupbearerError(
    'store-unavailable',
    `store.url is memory: the session of credential ${holder} lives in the process that serves, out of reach from here; write store: { url: sqlite:/path/sessions.db, key: … }`,
  );
}

/** Asked for was a token that ends by itself. */
function withoutRefreshToken({ providers }: Config, name: string, { answer = {} }: Token): Token['answer'] {
  const path = providers[name]?.response.refresh_token;
  return Object.fromEntries(Object.entries(answer).filter(([key]) => key !== path));
}

function described(token: Token, answer: Token['answer']) {
  const leftMs = token.lifetimeMs - ageOf(token, systemClock.mono(), systemClock.wall());
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < token.fields.length; i += 2)
    headers[token.fields[i] as string] = token.fields[i + 1] as string;
  return {
    access_token: token.reveal(),
    ...(isEndless(token) ? {} : { expires_in: Math.max(0, Math.floor(leftMs / 1_000)) }),
    headers,
    ...(answer === undefined ? {} : { answer }),
  };
}
