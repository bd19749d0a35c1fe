import { afterEach } from 'vitest';
import { type Fixture, startCupbearer } from '../../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../../support/offset-clock.ts';
import {
  startTokenEndpoint,
  type TokenCall,
  type TokenEndpoint,
  type TokenReply,
} from '../../support/token-endpoint.ts';

/* For the tests of the presets: a vendor on loopback that refuses what the real one would, and Cupbearer before it. */

const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Where requests go besides the token endpoint: the API. */
export type Answers = Readonly<Record<string, (call: TokenCall) => TokenReply>>;

/** A vendor whose `METHOD /path` is answered as given; anything else is 404. */
export async function startVendor(answers: Answers): Promise<TokenEndpoint & { readonly origin: string }> {
  const endpoint = await startTokenEndpoint((_, call) => {
    const answer = answers[`${call.method} ${call.url}`];
    return answer?.(call) ?? { status: 404, json: { message: `no ${call.method} ${call.url}` } };
  });
  opened.push(() => endpoint.close());
  return Object.assign(endpoint, { origin: new URL(endpoint.url).origin });
}

/** Cupbearer with these sections, on free ports, on a clock that can be moved. */
export async function proxy(
  yaml: string,
  env: Record<string, string> = {},
): Promise<Fixture & { readonly clock: OffsetClock }> {
  const clock = offsetClock();
  const text = `server: { listen: "127.0.0.1:0", admin: "off" }\n${yaml}`;
  const fixture = await startCupbearer(text, { env, clock });
  opened.push(() => fixture.stop());
  return Object.assign(fixture, { clock });
}
