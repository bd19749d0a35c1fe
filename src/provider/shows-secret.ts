/**
 * Whether a short text that a vendor wrote has one of the secrets in it: as it is, percent-encoded up to twice, in hex, or
 * in base64, form-encoded before (RFC 6749 §2.3.1) or not.
 */
export function showsSecret(text: string, secrets: readonly string[]): boolean {
  const decoded = percentDecoded(text);
  const readings = [text, decoded, percentDecoded(decoded)];
  return secrets.some((secret) => secret !== '' && readings.some((one) => shows(one, secret)));
}

/** Shorter ones are in innocent words once they are encoded. */
const shortestEncoded = 6;

function shows(text: string, secret: string): boolean {
  if (text.includes(secret)) return true;
  const bytes = Buffer.from(secret);
  if (bytes.length < shortestEncoded) return false;
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  return (
    text.toLowerCase().includes(bytes.toString('hex')) ||
    [bytes, Buffer.from(formEncoded(secret))].some((form) =>
      [0, 1, 2].some((lead) => standard.includes(base64Core(form, lead))),
    )
  );
}

/** What base64 has of these bytes whatever surrounds them, when they begin `lead` bytes into a group. */
function base64Core(bytes: Buffer, lead: number): string {
  const text = Buffer.concat([Buffer.alloc(lead), bytes]).toString('base64');
  return text.slice(Math.ceil((lead * 8) / 6), Math.floor(((lead + bytes.length) * 8) / 6));
}

function formEncoded(secret: string): string {
  return new URLSearchParams([['', secret]]).toString().slice(1);
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
