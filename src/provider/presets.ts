import { oauth2 } from './presets/oauth2.ts';
import { realer } from './presets/realer.ts';
import { revoDigital } from './presets/revo-digital.ts';
import { revolution } from './presets/revolution.ts';
import { revolv3 } from './presets/revolv3.ts';
import { vbrickRev } from './presets/vbrick-rev.ts';
import type { ProviderSpec } from './provider.ts';

/** The vendors known without a word under `providers:`. A new vendor is a new file and a line here. */
export const presets: Readonly<Record<string, ProviderSpec>> = {
  oauth2,
  revolution,
  'vbrick-rev': vbrickRev,
  realer,
  'revo-digital': revoDigital,
  revolv3,
};
