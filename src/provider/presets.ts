import { oauth2 } from './presets/oauth2.ts';
import { realer } from './presets/realer.ts';
import { realerMqtt } from './presets/realer-mqtt.ts';
import { revoDigital } from './presets/revo-digital.ts';
import { revoDigitalLocation } from './presets/revo-digital-location.ts';
import { revolution } from './presets/revolution.ts';
import { revolv3 } from './presets/revolv3.ts';
import { vbrickRev } from './presets/vbrick-rev.ts';
import { vbrickRevApiKey } from './presets/vbrick-rev-api-key.ts';
import type { ProviderSpec } from './provider.ts';

/** The vendors known without a word under `providers:`. A new one is a new file and a line here. */
export const presets: Readonly<Record<string, ProviderSpec>> = {
  oauth2,
  revolution,
  'vbrick-rev': vbrickRev,
  'vbrick-rev-api-key': vbrickRevApiKey,
  realer,
  'realer-mqtt': realerMqtt,
  'revo-digital': revoDigital,
  'revo-digital-location': revoDigitalLocation,
  revolv3,
};
