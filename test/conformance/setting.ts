import { afterEach, beforeEach, expect } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import {
  type Answer,
  ok,
  type RawResponse,
  type RawUpstream,
  rawRequest,
  rawUpstream,
} from '../support/raw.ts';

/** The setting of every conformance case: two routes, two credentials, two upstreams that record every byte. */
export interface Setting {
  up: RawUpstream;
  up2: RawUpstream;
  tokens: TokenServer;
  tokens2: TokenServer;
  proxy: Fixture;
  clock: OffsetClock;
  /** What the first upstream answers. */
  answer: Answer;
  /** What the second upstream answers, `ok` again after the test. */
  answer2: Answer;
  /** Has the first token fetched and lets it grow old enough for a forced renewal. */
  warm(): Promise<void>;
  /** Sends a request line, fields after Host, and a body; `Connection: close` is added. */
  send(line: string, fields?: readonly string[], body?: string | Buffer): Promise<RawResponse>;
}

const everySecret = /SENT-/;

/** Builds the setting before each test; afterwards asserts what holds in every case and takes it down. */
export function useSetting(
  extraYaml: { server?: string; route?: string; credential?: string; callers?: string; secret?: string } = {},
  /** What the good request at the end sends besides. */
  goodFields: readonly string[] = [],
): Setting {
  const setting = {} as Setting;
  beforeEach(async () => {
    setting.answer = () => ok;
    setting.answer2 = () => ok;
    setting.clock = offsetClock();
    setting.up = await rawUpstream((request, count) => setting.answer(request, count));
    setting.up2 = await rawUpstream((request, count) => setting.answer2(request, count));
    setting.tokens = await tokenServer('SENT-T');
    setting.tokens2 = await tokenServer('SENT-K');
    setting.proxy = await startCupbearer(
      `
server:
  listen: 127.0.0.1:0
  admin: "off"
  ${extraYaml.server ?? ''}
callers: ${extraYaml.callers ?? '{}'}
providers:
  first: { token: { url: "${setting.tokens.url}/token" } }
  second:
    token: { url: "${setting.tokens2.url}/token" }
    attach: { header: X-Api-Key, value: "{access_token}" }
credentials:
  one: { provider: first, client_id: id, client_secret: "${extraYaml.secret ?? 'SENT-CLIENT'}" ${extraYaml.credential ?? ''} }
  two: { provider: second, client_id: id, client_secret: SENT-CLIENT }
routes:
  /api: { upstream: "http://127.0.0.1:${setting.up.port}/v1/acme", credential: one ${extraYaml.route ?? ''} }
  /api2: { upstream: "http://127.0.0.1:${setting.up2.port}", credential: two }
`,
      { clock: setting.clock },
    );
    setting.warm = async () => {
      expect((await setting.send('GET /api/warm')).status).toBe(200);
      setting.clock.advance(5_000);
      setting.up.requests.length = 0;
    };
    setting.send = (line, fields = [], body = '') =>
      rawRequest(
        setting.proxy.port,
        Buffer.concat([
          Buffer.from(
            `${line} HTTP/1.1\r\n${[`Host: 127.0.0.1:${setting.proxy.port}`, 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`,
            'latin1',
          ),
          Buffer.from(body),
        ]),
      );
  });
  const strays: unknown[] = [];
  const stray = (error: unknown) => void strays.push(error);
  beforeEach(() => {
    process.on('unhandledRejection', stray).on('uncaughtException', stray);
  });
  afterEach(async () => {
    setting.answer2 = () => ok;
    const good = await setting.send('GET /api2/good', goodFields);
    expect(good.status, 'the next good request works').toBe(200);
    await expect
      .poll(() => setting.proxy.usage(), { message: 'everything is given back', timeout: 5_000 })
      .toEqual({ connections: 0, exchanges: 0, tunnels: 0, watched: 0, buffered: 0 });
    process.off('unhandledRejection', stray).off('uncaughtException', stray);
    expect(strays.splice(0), 'no error goes astray').toEqual([]);
    await setting.proxy.stop();
    expect(setting.proxy.log(), 'no secret in the log').not.toMatch(everySecret);
    expect(setting.up.bytes(), 'no secret of the second credential at the first upstream').not.toMatch(
      /SENT-K|SENT-CLIENT/,
    );
    expect(setting.up2.bytes(), 'no secret of the first credential at the second upstream').not.toMatch(
      /SENT-T|SENT-CLIENT/,
    );
    await Promise.all([
      setting.up.close(),
      setting.up2.close(),
      setting.tokens.close(),
      setting.tokens2.close(),
    ]);
  });
  return setting;
}

/** An answer must not show any secret to the caller. */
export function expectNoSecret(response: RawResponse): void {
  expect(response.text).not.toMatch(everySecret);
}
