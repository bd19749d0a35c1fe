import { setTimeout as sleep } from 'node:timers/promises';
import { App, curl, type PlainCall, payment, plainCalls } from './app.ts';
import type { Narrator } from './narrator.ts';
import { cut, fieldOf, table } from './report.ts';
import type { Vendor } from './vendor.ts';
import type { Vendors } from './vendors.ts';

export interface TourOptions {
  readonly vendors: Vendors;
  /** Where the proxy listens, with the shipped routes.yaml. */
  readonly proxyUrl: string;
  readonly narrator: Narrator;
}

/** Seconds. Realer's first token is to be renewed, Revolution's to expire, while somebody watches. */
const realerLifetime = 5;
const revolutionLifetime = 1;
const usualLifetime = 3600;
/** Milliseconds: when a token may be taken for revoked, and when one of `realerLifetime` is due for renewal. */
const revocableAfter = 2_050;
const renewableAfter = 3_050;

/** Gives the first tokens of two vendors the short lives that the tour needs. Call it before the proxy starts. */
export function prepare({ realer, revolution }: Vendors): void {
  realer.setLifetime(realerLifetime);
  revolution.setLifetime(revolutionLifetime);
}

/** Shows the proxy at work with five vendors' tokens, step by step, and says of each promise whether it was kept. */
export async function tour(options: TourOptions): Promise<void> {
  const guide = new Guide(options);
  try {
    await guide.plainCalls();
    await guide.burst();
    await guide.revoked();
    await guide.renewal();
    guide.summary();
  } finally {
    await guide.app.close();
  }
}

class Guide {
  readonly app: App;
  readonly #options: TourOptions;
  readonly #narrator: Narrator;
  /** Milliseconds on the monotonic clock: when every vendor had given its first token. */
  #tokensSince = 0;

  constructor(options: TourOptions) {
    this.#options = options;
    this.#narrator = options.narrator;
    this.app = new App(options.proxyUrl);
  }

  async plainCalls(): Promise<void> {
    this.#narrator.title('1. Plain calls to five vendors');
    for (const call of plainCalls) {
      const vendor = this.#vendor(call);
      this.#narrator.say(`  ${curl(this.#options.proxyUrl, call)}`);
      const answer = await this.app.call(call);
      for (const request of vendor.seen) this.#narrator.show(request);
      this.#narrator.say(`    answer      ${answer.status} ${cut(answer.body, 70)}`);
      this.#narrator.check(`${vendor.name} answered 200`, answer.status === 200, answer.status);
      this.#narrator.check('one token call', vendor.tokenCalls === 1, vendor.tokenCalls);
    }
    this.#tokensSince = performance.now();
  }

  async burst(): Promise<void> {
    this.#narrator.title('2. 100 calls at once, and no valid token');
    const { revolution } = this.#options.vendors;
    await this.#narrator.until(this.#tokensSince + revolutionLifetime * 1000 + 50);
    revolution.setLifetime(usualLifetime);
    const tokenCalls = revolution.tokenCalls;
    const answers = await Promise.all(Array.from({ length: 100 }, () => this.app.call(callOf(revolution))));
    const ok = answers.filter((answer) => answer.status === 200).length;
    const cost = revolution.tokenCalls - tokenCalls;
    this.#narrator.say(`  Revolution's first token lived ${revolutionLifetime} s and is over.`);
    this.#narrator.check('100 calls answered 200', ok === 100, ok);
    this.#narrator.check('one token call for all of them', cost === 1, cost);
    this.#narrator.check(
      'none went out with the expired token',
      revolution.refusals === 0,
      revolution.refusals,
    );
  }

  async revoked(): Promise<void> {
    this.#narrator.title('3. The vendor revokes a token');
    const { vbrickRev, revoDigital, revolv3 } = this.#options.vendors;
    await this.#narrator.until(this.#tokensSince + revocableAfter);
    const calls: [Vendor, PlainCall][] = [
      [revolv3, payment()],
      [vbrickRev, callOf(vbrickRev)],
      [revoDigital, callOf(revoDigital)],
    ];
    for (const [vendor, call] of calls) {
      vendor.revokeAll();
      const { tokenCalls, refusals } = vendor;
      const seen = vendor.seen.length;
      const answer = await this.app.call(call);
      this.#narrator.say(`  ${call.method} ${call.path}`);
      for (const request of vendor.seen.slice(seen)) this.#narrator.show(request);
      this.#narrator.check('the caller got 200', answer.status === 200, answer.status);
      const cost = [vendor.refusals - refusals, vendor.tokenCalls - tokenCalls];
      this.#narrator.check('one refusal, one token call', cost.join() === '1,1', cost.join(' and '));
    }
  }

  async renewal(): Promise<void> {
    this.#narrator.title('4. A token is renewed before it expires');
    const { realer } = this.#options.vendors;
    const call = callOf(realer);
    let since = this.#tokensSince;
    // A machine that sleeps through the second in which renewal happens behind the scenes gets another chance.
    for (let attempt = 1; ; attempt++) {
      const before = lastToken(realer);
      await this.#narrator.until(since + renewableAfter);
      const tokenCalls = realer.tokenCalls;
      const during = await this.app.call(call);
      const waited = lastToken(realer) !== before;
      if (waited && attempt < 3) {
        since = performance.now();
        continue;
      }
      realer.setLifetime(usualLifetime);
      const renewed = await this.#narrator.becomes(() => realer.tokenCalls === tokenCalls + 1);
      await sleep(100);
      const after = await this.app.call(call);
      this.#narrator.say(
        `  Realer's token lives ${realerLifetime} s; renew_after is ${Math.floor(realerLifetime * 0.75)} s.`,
      );
      this.#narrator.check('a call after that answered 200', during.status === 200, during.status);
      this.#narrator.check(`it went out with the token at hand, in ${during.ms} ms`, !waited, 'a new token');
      this.#narrator.check('one token call in the background', renewed, realer.tokenCalls - tokenCalls);
      this.#narrator.check('the next call had the new token', lastToken(realer) !== before, 'the old one');
      this.#narrator.check('it answered 200', after.status === 200, after.status);
      this.#narrator.check('no call was refused', realer.refusals === 0, realer.refusals);
      return;
    }
  }

  summary(): void {
    const rows = this.#options.vendors.all.map((vendor) => {
      const { calls, ok } = this.app.count(vendor.name);
      return [vendor.name, calls, ok, vendor.tokenCalls, vendor.refusals] as const;
    });
    this.#narrator.title('The calls so far');
    this.#narrator.say(
      table([['vendor', 'calls', '200s', 'token calls', '401s recovered'], ...rows]).replace(/^/gm, '  '),
    );
    const failed = rows.filter(([, calls, ok]) => calls === 0 || calls !== ok).map(([name]) => name);
    this.#narrator.check('every call to every vendor answered 200', failed.length === 0, failed.join(', '));
  }

  #vendor(call: PlainCall): Vendor {
    const vendor = this.#options.vendors.all.find((one) => one.name === call.vendor);
    if (vendor === undefined) throw new Error(`there is no vendor ${call.vendor}`);
    return vendor;
  }
}

function callOf(vendor: Vendor): PlainCall {
  const call = plainCalls.find((one) => one.vendor === vendor.name);
  if (call === undefined) throw new Error(`there is no plain call for ${vendor.name}`);
  return call;
}

/** What the last API call of a vendor carried. */
function lastToken(vendor: Vendor): string | undefined {
  const request = vendor.seen.findLast((one) => !/token$/.test(one.path));
  return fieldOf(request, 'authorization');
}
