import { jwtBearer } from '../provider/grant-type.ts';
import { type CredentialCheck, placeOf } from './credential-check.ts';
import type { CredentialKey } from './grant-rules.ts';
import { signingKeyFault } from './signing-key.ts';

/** Claims that make an assertion good for one request, within a minute. */
const ownClaims: readonly string[] = ['exp', 'iat', 'jti'];

/** Tells what of a credential is signed for nothing, cannot be signed, or is not for the file to say. */
export function checkSigning(methods: ReadonlySet<string>, check: CredentialCheck): void {
  const { name, credential, provider, sections } = check;
  const { private_key, private_key_id, client_assertion, signing_alg, assertion, assertion_claims } =
    credential;
  const tell = (key: CredentialKey, message: string, level: 'error' | 'warning' = 'error') =>
    sections.tell(['credentials', name, key], message, { level });
  const wants = `provider ${provider.name} has client_auth ${[...methods].join(' and ')}`;
  const proves = methods.has('private_key_jwt');
  const signsProof = proves && client_assertion === undefined;
  const claims = assertion_claims !== undefined || (private_key !== undefined && assertion === undefined);
  const signsGrant = credential.grant_type === jwtBearer && claims;
  const signs = signsProof || signsGrant;
  const signsWithSecret = methods.has('client_secret_jwt');
  for (const claim of Object.keys(provider.assertion_claims)) {
    if (!ownClaims.includes(claim)) continue;
    const message = `${claim} is written anew for each assertion; remove it`;
    sections.tell(placeOf(check, ['assertion_claims', claim]), message, { atKey: true });
  }
  for (const claim of Object.keys(assertion_claims ?? {})) {
    if (ownClaims.includes(claim)) {
      const message = `${claim} is written anew for each assertion; remove it`;
      sections.tell(['credentials', name, 'assertion_claims', claim], message, { atKey: true });
    } else if (signsGrant && assertion !== undefined && (signsProof || signsWithSecret) && claim !== 'aud') {
      const message = `there is an assertion already, and the proof of who the client is takes aud alone; remove ${claim}`;
      sections.tell(['credentials', name, 'assertion_claims', claim], message, { atKey: true });
    }
  }
  if (signsGrant && assertion !== undefined && !signsProof && !signsWithSecret) {
    const message = 'there is an assertion already; keep assertion or assertion_claims';
    sections.tell(['credentials', name, 'assertion_claims'], message, { atKey: true });
  }
  if (assertion_claims !== undefined && !signs && !signsWithSecret) {
    const mayBe = provider.grant_types?.includes(jwtBearer) ?? true;
    const more = mayBe ? `, or write grant_type: ${jwtBearer}` : '';
    tell('assertion_claims', `assertion_claims are not used: ${wants}; remove them${more}`);
  }
  if (client_assertion !== undefined && !proves) {
    tell(
      'client_assertion',
      `client_assertion is not used: ${wants}; remove it, or write client_auth: private_key_jwt there`,
    );
  }
  if (private_key !== undefined && !signs) {
    const why = proves ? 'client_assertion is sent' : wants;
    tell(
      'private_key',
      `private_key is not used: ${why}; remove it${proves ? '' : ', or write client_auth: private_key_jwt there'}`,
    );
  }
  if (private_key_id !== undefined && !signs) {
    tell('private_key_id', 'private_key_id is not used: nothing is signed; remove it', 'warning');
  }
  if (private_key !== undefined) {
    const fault = signingKeyFault(private_key.reveal(), signing_alg);
    if (fault !== undefined) tell(fault.at, fault.message);
  } else if (signing_alg !== undefined && signsWithSecret) {
    if (!signing_alg.startsWith('HS')) {
      tell(
        'signing_alg',
        `${signing_alg} does not fit client_secret_jwt, which signs with the client secret; write HS256 or HS512`,
      );
    }
  } else if (signing_alg !== undefined && !signs) {
    tell('signing_alg', 'signing_alg is not used: nothing is signed; remove it', 'warning');
  }
}
