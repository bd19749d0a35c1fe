import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/program.ts';
import { type Running, start } from '../../src/cli/start.ts';
import { loadFile } from '../../src/config/load.ts';
import { type RealerVendor, startRealer } from '../../src/demo/realer.ts';
import { presets } from '../../src/provider/presets.ts';
import { openStore } from '../../src/store/open.ts';
import type { Session, SessionKey } from '../../src/store/session.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { runCommand } from './command.ts';
import { type RevocationEndpoint, startRevocationEndpoint } from './revocation-endpoint.ts';
import { type RotatingServer, startRotating } from './rotating-server.ts';
import { type Served, serve } from './serve.ts';

/**
 * One machine: a configuration, a SQLite store and an admin socket in a directory of their own, and vendors. Credentials:
 * `device` and `mqtt` at Realer, `session` and `tenants` (both sessions, with a revocation endpoint), `quiet` (a session
 * at a provider without one), `nobody` (nobody has logged in), `wrong` (a secret the provider refuses).
 */
export interface Deployment {
  readonly directory: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly realer: RealerVendor;
  readonly rotating: RotatingServer;
  readonly revocation: RevocationEndpoint;
  /** Every text that may be shown nowhere but by `token`; tokens issued since are not among them. */
  readonly secrets: readonly string[];
  /** Writes the configuration anew, with other parts. */
  configure(parts?: Partial<Parts>): void;
  /** Runs a command in this process, or in one of its own. */
  run(...args: string[]): Promise<Ended>;
  runAlone(...args: string[]): Promise<Ended>;
  /** Starts what `serve` starts in this process; or `serve` in one of its own, once it listens. */
  start(): Promise<{ readonly at: string; output(): string; stop(): Promise<void> }>;
  serve(): Promise<Served & { readonly at: string }>;
  stored(key: SessionKey): Promise<Session | undefined>;
  /** Changes a stored session, or puts one there. */
  store(key: SessionKey, change: (session: Session | undefined) => Session): Promise<void>;
  close(): Promise<void>;
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Parts {
  readonly admin: string;
  readonly store: string;
  /** Of the credential `device`. */
  readonly device: string;
  /** Of the credential `session`. */
  readonly session: string;
  readonly routes: string;
}

const storeKey = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';

export async function deploy(): Promise<Deployment> {
  const [realer, rotating, revocation] = await Promise.all([
    startRealer(),
    startRotating(),
    startRevocationEndpoint(),
  ]);
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-deployment-'));
  const file = join(directory, 'routes.yaml');
  const quietSeed = rotating.begin();
  const env: Readonly<Record<string, string>> = {
    ...realer.env,
    STORE_KEY: storeKey,
    SEED: rotating.refreshToken,
    QUIET_SEED: quietSeed,
    CLIENT_SECRET: rotating.client.secret,
    WRONG: 'not-the-secret-of-anybody',
  };
  const children: Served[] = [];
  const started: Running[] = [];

  const configure: Deployment['configure'] = (parts = {}) => {
    const {
      admin = `unix:${directory}/admin.sock`,
      store = `url: "sqlite:${directory}/sessions.db", key: "\${STORE_KEY}"`,
      device = '',
      session = '',
      routes = '',
    } = parts;
    const client = `client_id: ${rotating.client.id}, client_secret: "\${CLIENT_SECRET}"`;
    writeFileSync(
      file,
      `
server: { listen: "127.0.0.1:0", admin: "${admin}" }
store: { ${store} }
providers:
  quiet: { token: { url: "${rotating.tokenUrl}" } }
  rotating: { extends: quiet, revoke: { url: "${revocation.url}" } }
  people: { extends: rotating, authorize: { url: "${rotating.url}/auth" } }
credentials:
  device: { provider: realer, base_url: "\${REALER_URL}", client_id: "\${REALER_CLIENT_ID}", client_secret: "\${REALER_CLIENT_SECRET}", scope: "iot:catalog:read iot:mqtt:connect"${device} }
  mqtt: { provider: realer-mqtt, base_url: "\${REALER_URL}", using: device }
  session: { provider: rotating, grant_type: refresh_token, ${client}, refresh_token: "\${SEED}"${session} }
  quiet: { provider: quiet, grant_type: refresh_token, ${client}, refresh_token: "\${QUIET_SEED}" }
  tenants: { provider: people, grant_type: authorization_code, ${client}, redirect_uri: "http://127.0.0.1/callback", tenant: { header: X-Tenant } }
  nobody: { provider: people, grant_type: authorization_code, ${client} }
  wrong: { provider: realer, base_url: "\${REALER_URL}", client_id: "\${REALER_CLIENT_ID}", client_secret: "\${WRONG}" }
routes:
  /device: { upstream: "\${REALER_URL}", credential: device }
  /mqtt: { upstream: "\${REALER_URL}", credential: mqtt }
  /session: { upstream: "${rotating.url}", credential: session }
  /quiet: { upstream: "${rotating.url}", credential: quiet }
  /tenants: { upstream: "${rotating.url}", credential: tenants }
  /nobody: { upstream: "${rotating.url}", credential: nobody }
  /wrong: { upstream: "\${REALER_URL}", credential: wrong }
${routes}`,
    );
  };

  function loaded() {
    const { config } = loadFile(file, { env, presets });
    if (config === undefined) throw new Error('the configuration of the deployment has errors');
    return config;
  }

  const opened = () => openStore(loaded().store, { now: () => Date.now() });

  configure();
  return {
    directory,
    file,
    env,
    realer,
    rotating,
    revocation,
    secrets: [
      storeKey,
      rotating.refreshToken,
      quietSeed,
      rotating.client.secret,
      env.WRONG as string,
      env.REALER_CLIENT_SECRET as string,
    ],
    configure,
    async run(command, ...args) {
      let out = '';
      let err = '';
      const code = await run([command as string, '-c', file, ...args], {
        env,
        out: (text) => {
          out += text;
        },
        err: (text) => {
          err += text;
        },
      });
      return { code, out, err };
    },
    runAlone: (command, ...args) => runCommand([command as string, '-c', file, ...args], env).ended,
    async start() {
      let output = '';
      const stream = {
        write(line: string) {
          output += line;
        },
      };
      const running = await start(loaded(), { log: createLog({ level: 'trace', stream }) });
      started.push(running);
      return { at: running.url, output: () => output, stop: () => running.stop() };
    },
    async serve() {
      const served = serve(file, env);
      children.push(served);
      return { ...served, at: await served.url };
    },
    async stored(key) {
      const store = await opened();
      return store.load(key).finally(() => store.close());
    },
    async store(key, change) {
      const store = await opened();
      try {
        const before = await store.load(key);
        if (!(await store.compareAndSet(key, before?.head, change(before)))) throw new Error('not stored');
      } finally {
        await store.close();
      }
    },
    async close() {
      for (const { process } of children) process.kill('SIGKILL');
      await Promise.all(started.map((one) => one.stop()));
      await Promise.all([realer.close(), rotating.close(), revocation.close()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
