/** What is wrong between us and a TLS server, the first that matches; OpenSSL names what it has no name for UNSPECIFIED. */
const faults: readonly (readonly [code: RegExp, fault: string])[] = [
  [
    /^CERT_HAS_EXPIRED/,
    "its certificate has expired; its operator must renew it, or this machine's clock is wrong",
  ],
  [/^CERT_NOT_YET_VALID/, "its certificate is not valid yet; check this machine's clock"],
  [
    /^(?:ERR_TLS_CERT_ALTNAME|HOSTNAME_)/,
    'its certificate is for another host; check the host in its address',
  ],
  [
    /^(?:UNABLE_TO_|SELF_SIGNED_CERT_IN_CHAIN)/,
    'the authority of its certificate is unknown, or it does not send an intermediate one; check tls.ca',
  ],
  [
    /^(?:DEPTH_ZERO_|SELF_)/,
    'its certificate is signed by itself; check tls.ca, and set it to that certificate if it is the right one',
  ],
  [
    /^UNSPECIFIED/,
    'its certificate has a key or a signature too weak to be trusted; its operator must renew it',
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/,
    'it does not speak TLS on this port; check scheme and port',
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    'it speaks no TLS version from 1.2 on; its operator must allow one',
  ],
  [/ALERT_/, 'it refused the TLS handshake; if it asks for a client certificate, set tls.cert and tls.key'],
];

/**
 * The fault and, behind `; `, what to do, for the code of an error of node:tls; undefined for one that says nothing. `of`
 * says whose `tls` is meant: ` of the credential`.
 */
export function tlsFault(code: string, of = ''): string | undefined {
  const fault = faults.find(([pattern]) => pattern.test(code))?.[1];
  return fault?.replace('tls.ca', `tls.ca${of}`).replace('tls.cert and tls.key', `tls.cert and tls.key${of}`);
}
