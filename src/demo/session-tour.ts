import { App, curl, type PlainCall, plainCalls } from './app.ts';
import type { Narrator } from './narrator.ts';
import { walk } from './person.ts';
import type { SeenRequest } from './vendor.ts';
import type { Vendors } from './vendors.ts';

/** The proxy, as the tour needs it. */
export interface Instance {
  readonly url: string;
  readonly adminUrl: string;
  /** Stops it and starts it again on the same configuration. */
  restart(): Promise<Instance>;
  /** Revokes what a credential holds. */
  revoke(credential: string): Promise<void>;
}

export interface SessionTourOptions {
  readonly vendors: Vendors;
  readonly instance: Instance;
  readonly narrator: Narrator;
}

/** The route and credential that `tourConfig` adds. */
const userCall: PlainCall = { vendor: 'revolution', method: 'GET', path: '/revolution-user/devices' };

/** What the tour needs besides the shipped routes.yaml: a store, and a credential that a person logs in to. */
export const sessionConfig = {
  store: (file: string) => `store: { url: "sqlite:${file}", key: "\${DEMO_STORE_KEY}" }\n`,
  providers: `providers:
  revolution:
    base_url: \${REVOLUTION_URL}
    authorize: { url: /auth/authorize }       # Revolution's page names none; this is the simulated one's
`,
  credential: `  revolution-user:
    provider: revolution
    grant_type: authorization_code
    client_id: \${REVOLUTION_APP_ID}

`,
  route: '  /revolution-user: { credential: revolution-user }\n',
} as const;

/** Shows what sessions survive: a login, a restart, a lost answer, a revocation. */
export async function sessionTour(options: SessionTourOptions): Promise<void> {
  const guide = new SessionGuide(options);
  await guide.login();
  await guide.restart();
  await guide.rotation();
  await guide.revocation();
}

class SessionGuide {
  readonly #vendors: Vendors;
  readonly #narrator: Narrator;
  #instance: Instance;

  constructor({ vendors, instance, narrator }: SessionTourOptions) {
    this.#vendors = vendors;
    this.#narrator = narrator;
    this.#instance = instance;
  }

  async login(): Promise<void> {
    const { revolution } = this.#vendors;
    const { title, say, check } = this.#bound();
    title('5. A person logs in');
    const before = await this.#call(userCall);
    say(`  ${curl(this.#instance.url, userCall)}`);
    check('before the login the answer says what to do', /log in|logged in/.test(before.body), before.body);
    const seen = revolution.seen.length;
    const { name, password } = revolution.user;
    const arrival = await walk(`${this.#instance.adminUrl}/login/revolution-user`, {
      username: name,
      password,
    });
    say('  browser:');
    for (const address of arrival.way) say(`    ${address}`);
    const exchange = revolution.seen.slice(seen).find(({ path }) => path.endsWith('/auth/token'));
    if (exchange) this.#narrator.show(exchange);
    check('the browser ended on a page that says it worked', arrival.status === 200, arrival.status);
    check(
      'the exchange had no grant_type, as the vendor wants it',
      !/grant_type/.test(exchange?.body ?? 'grant_type'),
      'one',
    );
    const after = await this.#call(userCall);
    check('the same call answered 200', after.status === 200, after.status);
  }

  async restart(): Promise<void> {
    const { all } = this.#vendors;
    const { title, say, check } = this.#bound();
    title('6. The proxy is restarted');
    const sessions = [userCall, ...plainCalls.filter(({ path }) => /^\/rev(o-digital)?\//.test(path))];
    for (const call of sessions) await this.#call(call);
    this.#instance = await this.#instance.restart();
    const counts = () =>
      all.filter(({ name }) => name !== 'realer').reduce((sum, { tokenCalls }) => sum + tokenCalls, 0);
    const tokenCalls = counts();
    for (const call of sessions) {
      const answer = await this.#call(call);
      say(`  ${curl(this.#instance.url, call)}`);
      check('answered 200', answer.status === 200, answer.status);
    }
    const cost = counts() - tokenCalls;
    check('no token call: the sessions came out of the store', cost === 0, cost);
  }

  async rotation(): Promise<void> {
    const { revoDigital } = this.#vendors;
    const { title, say, check } = this.#bound();
    title('7. Single-use refresh tokens, and an answer that is lost');
    const call = plainCalls.find(({ vendor }) => vendor === 'revo-digital') as PlainCall;
    revoDigital.revokeAll();
    revoDigital.failTokens({ how: 'lost' });
    const seen = revoDigital.seen.length;
    const answer = await this.#call(call);
    const spent = revoDigital.seen.slice(seen).filter(isRefresh).map(refreshToken);
    for (const request of revoDigital.seen.slice(seen)) this.#narrator.show(request);
    say(`  refresh tokens sent: ${spent.map((token) => `…${token.slice(-6)}`).join(', ')}`);
    check(
      'the vendor spent the refresh token and its answer got lost; the call still answered 200',
      answer.status === 200,
      answer.status,
    );
    check('the same one was sent again, once', spent.length === 2 && spent[0] === spent[1], spent.length);
    revoDigital.revokeAll();
    await this.#narrator.until(performance.now() + 2_100);
    const next = revoDigital.seen.length;
    const later = await this.#call(call);
    const [successor] = revoDigital.seen.slice(next).filter(isRefresh).map(refreshToken);
    check(
      'the next renewal sent its successor and answered 200',
      later.status === 200 && successor !== spent[0],
      later.status,
    );
    check('no spent refresh token was ever sent otherwise', revoDigital.reuses === 0, revoDigital.reuses);
  }

  async revocation(): Promise<void> {
    const { realer } = this.#vendors;
    const { title, check } = this.#bound();
    title('8. A token is revoked');
    const call = plainCalls.find(({ vendor }) => vendor === 'realer') as PlainCall;
    await this.#call(call);
    const { revocations, refusals, seen } = realer;
    const from = seen.length;
    await this.#instance.revoke('realer');
    for (const request of realer.seen.slice(from)) this.#narrator.show(request);
    check(
      'the vendor revoked one token',
      realer.revocations === revocations + 1,
      realer.revocations - revocations,
    );
    const answer = await this.#call(call);
    check('the next call had a new one and answered 200', answer.status === 200, answer.status);
    check('no call went out with the revoked one', realer.refusals === refusals, realer.refusals - refusals);
  }

  async #call(call: PlainCall) {
    const app = new App(this.#instance.url);
    try {
      return await app.call(call);
    } finally {
      await app.close();
    }
  }

  #bound() {
    const narrator = this.#narrator;
    return {
      title: (text: string) => narrator.title(text),
      say: (line: string) => narrator.say(line),
      check: (promise: string, kept: boolean, got: string | number) => narrator.check(promise, kept, got),
    };
  }
}

function isRefresh({ path, body }: SeenRequest): boolean {
  return path === '/oauth/token' && body.includes('grant_type=refresh_token');
}

function refreshToken({ body }: SeenRequest): string {
  return new URLSearchParams(body).get('refresh_token') ?? '';
}
