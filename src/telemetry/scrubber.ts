import { fromUtf8, readings, utf8 } from './escapes.ts';
import { width as shortest, WindowIndex } from './window-index.ts';

/**
 * Keeps secrets out of texts, whatever else went wrong. It knows the secrets that are live, and finds them as they are,
 * percent-encoded, as in a form, escaped as in JSON (three deep and mixed), in hex, and in base64 of either alphabet
 * wherever they begin there. Not found: secrets shorter than 8 characters, parts of secrets, and what was compressed,
 * encrypted or hashed.
 */
export interface Scrubber {
  /** A secret that is live until it has been removed as often as it was added. */
  add(secret: string): void;
  remove(secret: string): void;
  /** A secret that comes and goes, such as a token: it is known until 4,096 others have come after it. */
  note(secret: string): void;
  /**
   * The text with `[secret]` in the place of every live secret. Takes as long for few secrets as for many; more of the
   * text goes when secrets are made so that it would take longer, and all of it when it is longer than 4 Mi characters.
   */
  scrub(text: string): string;
}

const mask = '[secret]';
const maxNoted = 4_096;
const maxNotedChars = 16 * 1024 * 1024;
const maxScrubbed = 4 * 1024 * 1024;

export function createScrubber(): Scrubber {
  const index = new WindowIndex();
  const added = new Map<string, number>();
  /** In the order of their last note. */
  const noted = new Set<string>();
  let notedChars = 0;

  const isKnown = (secret: string) => added.has(secret) || noted.has(secret);

  function dropOldest(): void {
    const [oldest] = noted;
    if (oldest === undefined) return;
    noted.delete(oldest);
    notedChars -= oldest.length;
    if (!isKnown(oldest)) index.delete(oldest);
  }

  return {
    add(text) {
      const secret = utf8(text);
      if (secret.length < shortest) return;
      if (!isKnown(secret)) index.add(secret);
      added.set(secret, (added.get(secret) ?? 0) + 1);
    },
    remove(text) {
      const secret = utf8(text);
      const count = added.get(secret);
      if (count === undefined) return;
      if (count > 1) added.set(secret, count - 1);
      else added.delete(secret);
      if (!isKnown(secret)) index.delete(secret);
    },
    note(text) {
      const secret = utf8(text);
      if (secret.length < shortest || secret.length > maxNotedChars) return;
      if (!isKnown(secret)) index.add(secret);
      if (!noted.delete(secret)) notedChars += secret.length;
      noted.add(secret);
      while (noted.size > maxNoted || notedChars > maxNotedChars) dropOldest();
    },
    scrub(text) {
      if (index.isEmpty || text.length < shortest) return text;
      if (text.length > maxScrubbed) return mask;
      const bytes = utf8(text);
      const found: Span[] = [];
      for (const reading of readings(bytes)) {
        index.find(reading.bytes, (start, end) => {
          const { starts } = reading;
          const [from, to] =
            starts === undefined ? [start, end] : [starts[start] as number, starts[end] as number];
          const last = found.at(-1);
          if (last !== undefined && last[0] <= from && from < last[1]) last[1] = Math.max(last[1], to);
          else found.push([from, to]);
        });
      }
      return found.length === 0 ? text : fromUtf8(masked(bytes, found));
    },
  };
}

type Span = [start: number, end: number];

function masked(bytes: string, spans: Span[]): string {
  let text = '';
  let done = 0;
  for (const [start, end] of spans.sort((a, b) => a[0] - b[0])) {
    if (start >= done) text += bytes.slice(done, start) + mask;
    done = Math.max(done, end);
  }
  return text + bytes.slice(done);
}
