import { bodyLimit } from 'hono/body-limit';
import { CupbearerError } from '../errors.ts';

const maxBytes = 4_096;

/** For what forms of our own pages are sent to: none of them is large. Throws CupbearerError. */
export const smallForm = bodyLimit({
  maxSize: maxBytes,
  onError: () => {
    throw new CupbearerError('malformed-request', 'the form is larger than ours');
  },
});
