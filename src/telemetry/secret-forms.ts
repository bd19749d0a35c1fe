/*
 * What a secret looks like where something else than percent-encoding or JSON has been at work. All texts here have one
 * character a byte. Every form is made when it is needed, for a form is as long as the secret and there are many.
 */

type Form = (secret: string) => string;

/** Forms in the order in which they are numbered. A form that is empty, or the same as one before, does not count. */
const forms: readonly Form[] = [
  (secret) => secret,
  (secret) => secret.replaceAll(' ', '+'),
  (secret) => hex(secret),
  (secret) => hex(secret).toUpperCase(),
  ...[0, 1, 2].flatMap((lead): Form[] => [
    (secret) => base64Core(secret, lead),
    (secret) => urlAlphabet(base64Core(secret, lead)),
    // RFC 6749 §2.3.1: id and secret are form-encoded before base64.
    (secret) => base64Core(formEncoded(secret), lead),
  ]),
];

/** Form number `index` of a secret. */
export function formOf(secret: string, index: number): string {
  return (forms[index] as Form)(secret);
}

/** The numbers of the forms of a secret that differ. */
export function distinctForms(secret: string): number[] {
  const seen = new Set(['']);
  return forms.flatMap((form, index) => {
    const text = form(secret);
    if (seen.has(text)) return [];
    seen.add(text);
    return [index];
  });
}

function hex(secret: string): string {
  return Buffer.from(secret, 'latin1').toString('hex');
}

/** The characters that are the same whatever surrounds the secret in base64, when it begins `lead` bytes into a group. */
function base64Core(secret: string, lead: number): string {
  const bytes = Buffer.from('\0'.repeat(lead) + secret, 'latin1');
  return bytes.toString('base64').slice(Math.ceil((lead * 8) / 6), Math.floor((bytes.length * 8) / 6));
}

function urlAlphabet(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

function formEncoded(secret: string): string {
  const text = Buffer.from(secret, 'latin1').toString('utf8');
  return new URLSearchParams([['', text]]).toString().slice(1);
}
