import { apiKey } from './presets/api-key.ts';
import { auth0 } from './presets/auth0.ts';
import { basicKey } from './presets/basic-key.ts';
import { bearerKey } from './presets/bearer-key.ts';
import { docusign } from './presets/docusign.ts';
import { docusignDemo } from './presets/docusign-demo.ts';
import { entra } from './presets/entra.ts';
import { entraAssertion } from './presets/entra-assertion.ts';
import { githubApp } from './presets/github-app.ts';
import { googleServiceAccount } from './presets/google-service-account.ts';
import { hubspot } from './presets/hubspot.ts';
import { notion } from './presets/notion.ts';
import { oauth2 } from './presets/oauth2.ts';
import { okta } from './presets/okta.ts';
import { oktaOrg } from './presets/okta-org.ts';
import { paypal } from './presets/paypal.ts';
import { quickbooks } from './presets/quickbooks.ts';
import { realer } from './presets/realer.ts';
import { realerMqtt } from './presets/realer-mqtt.ts';
import { revoDigital } from './presets/revo-digital.ts';
import { revoDigitalLocation } from './presets/revo-digital-location.ts';
import { revolution } from './presets/revolution.ts';
import { revolv3 } from './presets/revolv3.ts';
import { salesforce } from './presets/salesforce.ts';
import { sapXsuaa } from './presets/sap-xsuaa.ts';
import { sapXsuaaX509 } from './presets/sap-xsuaa-x509.ts';
import { servicenow } from './presets/servicenow.ts';
import { slack } from './presets/slack.ts';
import { spotify } from './presets/spotify.ts';
import { twilio } from './presets/twilio.ts';
import { vbrickRev } from './presets/vbrick-rev.ts';
import { vbrickRevApiKey } from './presets/vbrick-rev-api-key.ts';
import { xero } from './presets/xero.ts';
import { zoom } from './presets/zoom.ts';
import { zoomAccount } from './presets/zoom-account.ts';
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
  'api-key': apiKey,
  'basic-key': basicKey,
  'bearer-key': bearerKey,
  docusign,
  'docusign-demo': docusignDemo,
  hubspot,
  paypal,
  quickbooks,
  'sap-xsuaa': sapXsuaa,
  'sap-xsuaa-x509': sapXsuaaX509,
  servicenow,
  spotify,
  twilio,
  xero,
  auth0,
  entra,
  'entra-assertion': entraAssertion,
  'github-app': githubApp,
  'google-service-account': googleServiceAccount,
  notion,
  okta,
  'okta-org': oktaOrg,
  salesforce,
  slack,
  zoom,
  'zoom-account': zoomAccount,
};
