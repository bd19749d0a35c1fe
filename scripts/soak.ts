// A bounded soak of `cupbearer serve` under mixed traffic, injected faults and reloads: npm run soak -- --minutes 10. Linux only.
// Exit code 1 when an outcome is not explained by an injected fault, or memory or descriptors grow.
import { parseArgs } from 'node:util';
import { callerFaults, upstreamFaults } from './soak/bad-kinds.ts';
import { call, newAgent } from './soak/calls.ts';
import { startChild } from './soak/child.ts';
import { goodKinds } from './soak/good-kinds.ts';
import { load } from './soak/kinds.ts';
import { report } from './soak/report.ts';
import { floors, type HeapSample, heapOf, openFiles, type Sample, sample, trend } from './soak/sampling.ts';
import { startTokens } from './soak/tokens.ts';
import { startUpstream } from './soak/upstream.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '200' } },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
const sampleMs = Math.min(15_000, (minutes * 60_000) / 20);
/** Memory settles while the pools fill and the hot paths are compiled. */
const warmUpMinutes = Math.min(3, minutes / 3);
const judgedMinutes = 5;
/** The resident set grows in steps of V8's young generation, and stays; the heap says what is kept. */
const slopeMiB = 0.5;
const heapMs = 500;
/** A file is taken up within some two seconds. */
const reloadMs = 4_000;
const key = 'soak-key-of-a-caller';

const tokens = await startTokens();
const upstream = await startUpstream(tokens.accepts);
const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
const tokenUrl = `http://127.0.0.1:${tokens.port}`;
const credential = '{ provider: sound, client_id: id, client_secret: secret }';
/** Every other one gives a credential another scope and brings a route. */
const configuration = (number: number) => `
server:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  header_timeout: 2s
  body_timeout: 2s
  send_timeout: 3s
callers: { soak: { key: ${key} } }
providers:
  sound: { token: { url: "${tokenUrl}/token" } }
  flaky: { token: { url: "${tokenUrl}/flaky" } }
credentials:
  sound: ${number % 2 === 0 ? credential : credential.replace('}', ', scope: other }')}
  refused: ${credential}
  refused_once: ${credential}
  flaky: { provider: flaky, client_id: id, client_secret: secret }
routes:
  /api: { upstream: "${upstreamUrl}", credential: sound }
  /small: { upstream: "${upstreamUrl}", credential: sound, max_body: 64KiB }
  /ws: { upstream: "${upstreamUrl}", credential: sound, upgrade: true }
  /impatient: { upstream: "${upstreamUrl}", credential: sound, timeout: { response: 500ms } }
  /dead: { upstream: "http://127.0.0.1:1", credential: sound }
  /refused: { upstream: "${upstreamUrl}", credential: refused }
  /refused-once: { upstream: "${upstreamUrl}", credential: refused_once }
  /flaky: { upstream: "${upstreamUrl}", credential: flaky }
  ${number % 2 === 0 ? '' : `/more: { upstream: "${upstreamUrl}", credential: flaky }`}
`;
const child = await startChild(configuration(0));
const filesAtStart = openFiles(child.pid);
const agent = newAgent();
const target = { port: child.port, key, agent };
if ((await call(target, '/api/x')) !== '200') throw new Error('the first request failed');

const began = performance.now();
const elapsed = () => (performance.now() - began) / 60_000;
const samples: Sample[] = [];
const sampling = setInterval(() => {
  if (child.ended !== undefined) return;
  const one = sample(child.pid, elapsed());
  samples.push(one);
  console.log(`${one.at.toFixed(2)} min: ${one.rssMiB.toFixed(0)} MiB, ${one.fds} descriptors`);
}, sampleMs);
let written = 0;
const reloading = setInterval(() => child.configure(configuration(++written)), reloadMs);
const kinds = [...goodKinds, ...upstreamFaults, ...callerFaults];
const heap: HeapSample[] = [];
const heapSampling = setInterval(async () => {
  const one = await heapOf(child.adminUrl, elapsed()).catch(() => undefined);
  if (one !== undefined) heap.push(one);
}, heapMs);
const tally = await load(kinds, target, { ms: minutes * 60_000, rate, most: 400 });
clearInterval(sampling);
clearInterval(heapSampling);
clearInterval(reloading);
agent.destroy();

const filesAtEnd = child.ended === undefined ? await settledFiles() : 0;
const stillServes = await call({ ...target, agent: newAgent() }, '/api/x', {
  headers: { connection: 'close' },
});
const ended = child.ended ?? 'it did not';
const exit = child.ended === undefined ? await child.stop() : 'ended before';
upstream.close();
tokens.close();

const warm = samples.filter(({ at }) => at >= warmUpMinutes);
const rss = trend(warm, ({ rssMiB }) => rssMiB);
const whole = heap.filter(({ at }) => at >= warmUpMinutes && at < minutes);
const floor = trend(floors(whole), ({ heapMiB }) => heapMiB);
const fds = trend(warm, (one) => one.fds);
const isLong = minutes >= judgedMinutes;
const isGood = report(tally, { 'RSS, MiB': rss, 'heap, least': floor, descriptors: fds }, [
  { what: 'errors that were not injected', holds: tally.errors === 0, found: `${tally.errors}` },
  { what: 'faults in its log', holds: child.faults.length === 0, found: child.faults.join('\n') || 'none' },
  { what: 'it ended by itself', holds: ended === 'it did not', found: ended },
  {
    what: 'configurations taken up, against those written',
    holds: child.reloads >= written - 1,
    found: `${child.reloads}, ${written}`,
  },
  { what: 'serves after the load', holds: stillServes === '200', found: stillServes },
  {
    what: `the least heap of each minute grows by less than ${slopeMiB} MiB a minute${isLong ? '' : ` (judged from ${judgedMinutes} minutes on)`}`,
    holds: !isLong || floor.slope < slopeMiB,
    found: floor.slope.toFixed(2),
  },
  {
    what: 'descriptors after the load, against those before',
    holds: filesAtEnd <= filesAtStart,
    found: `${filesAtEnd}, ${filesAtStart}`,
  },
  { what: 'exit code after SIGTERM', holds: exit === 0, found: `${exit}` },
  { what: 'tokens given and refused', holds: tokens.given > 0, found: `${tokens.given}, ${tokens.failed}` },
]);
process.exit(isGood ? 0 : 1);

/** The descriptors of the child once they are back, or after a minute. */
async function settledFiles(): Promise<number> {
  for (let second = 0; second < 60 && openFiles(child.pid) > filesAtStart; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return openFiles(child.pid);
}
