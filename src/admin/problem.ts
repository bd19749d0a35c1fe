import { CupbearerError, errorTable } from '../errors.ts';

/** A CupbearerError as it is; of anything else nobody outside learns more than that it happened. */
export function known(error: unknown): CupbearerError {
  if (error instanceof CupbearerError) return error;
  return new CupbearerError('internal', 'an error inside Cupbearer; its log says more', { cause: error });
}

/** An answer with the problem details of an error (RFC 9457), ready to be written. */
export function problemAnswer(error: unknown) {
  const { code, message } = known(error);
  const { status, title } = errorTable[code];
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  const body = JSON.stringify({ type: `urn:cupbearer:problem:${code}`, title, status, detail: message });
  return { status, headers, body };
}

export function problemResponse(error: unknown): Response {
  const { body, ...head } = problemAnswer(error);
  return new Response(body, head);
}
