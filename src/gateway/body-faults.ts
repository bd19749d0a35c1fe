import { CupbearerError } from '../errors.ts';

/** What a caller is told whose body is larger than `max` bytes. */
export function bodyTooLarge(max: number): CupbearerError {
  return new CupbearerError(
    'body-too-large',
    `the request body is larger than ${max} bytes; raise max_body of the route if that is expected`,
  );
}

/** The caller did not send all it announced. */
export function brokenOff(): CupbearerError {
  return new CupbearerError('malformed-request', 'the request body ended before it was complete');
}
