import { CupbearerError, errorTable } from '../errors.ts';

/** A CupbearerError as it is; of anything else nobody outside learns more than that it happened. */
export function known(error: unknown): CupbearerError {
  if (error instanceof CupbearerError) return error;
  return new CupbearerError('internal', 'an error inside Cupbearer; its log says more', { cause: error });
}

/** An error as problem details (RFC 9457). */
export function problemResponse(error: unknown): Response {
  const { code, message } = known(error);
  const { status, title } = errorTable[code];
  const body = { type: `urn:cupbearer:problem:${code}`, title, status, detail: message };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}
