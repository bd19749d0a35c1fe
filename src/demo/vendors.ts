import { type RealerVendor, startRealer } from './realer.ts';
import { type RevoDigitalOptions, type RevoDigitalVendor, startRevoDigital } from './revo-digital.ts';
import { type RevolutionVendor, startRevolution } from './revolution.ts';
import { startRevolv3 } from './revolv3.ts';
import { startVbrickRev, type VbrickRevVendor } from './vbrick-rev.ts';
import type { Vendor } from './vendor.ts';

/** All five, each on a port of its own. */
export interface Vendors {
  readonly all: readonly Vendor[];
  readonly revolution: RevolutionVendor;
  readonly vbrickRev: VbrickRevVendor;
  readonly realer: RealerVendor;
  readonly revoDigital: RevoDigitalVendor;
  readonly revolv3: Vendor;
  /** Everything the shipped routes.yaml takes from the environment. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Starts the five simulated vendors on loopback. `now` sets the clock their tokens expire by, `grace` is Revo Digital's. */
export async function startVendors(options: Omit<RevoDigitalOptions, 'port'> = {}): Promise<Vendors> {
  const [revolution, vbrickRev, realer, revoDigital, revolv3] = await Promise.all([
    startRevolution(options),
    startVbrickRev(options),
    startRealer(options),
    startRevoDigital(options),
    startRevolv3(options),
  ]);
  const all = [revolution, vbrickRev, realer, revoDigital, revolv3];
  return {
    all,
    revolution,
    vbrickRev,
    realer,
    revoDigital,
    revolv3,
    env: Object.assign({}, ...all.map((vendor) => vendor.env)),
    async close() {
      await Promise.all(all.map((vendor) => vendor.close()));
    },
  };
}
