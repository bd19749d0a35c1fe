import { distinctForms, formOf } from './secret-forms.ts';

/** One form of a secret, found by a window of 8 characters that begins `offset` into it. */
interface Anchor {
  readonly secret: string;
  readonly form: number;
  readonly offset: number;
}

/** The anchors whose windows have one hash. */
interface Bucket {
  readonly anchors: Anchor[];
  /** How many more there would be. While there are any, what may be theirs is taken for theirs. */
  more: number;
  /** The most characters that any of them had before the begin of its window, and from there on. */
  before: number;
  after: number;
}

/** Characters of a window; no form of a secret may be shorter. */
export const width = 8;

const base = 0x01000193;
const topPower = power(base, width - 1);
/** Tokens of one issuer begin alike, and some end alike: so many places are tried for a window of its own. */
const near = 32;
const step = 4;
const places = 8;
/** Who makes up secrets can have them all look alike at every place that is tried. */
const mostAnchors = 16;
/** Characters compared with a text of no length, and more for each of its characters. */
const leastWork = 1024 * 1024;
const workPerCharacter = 64;

/** Every form of every secret, by the hash of one window of it. */
export class WindowIndex {
  readonly #buckets = new Map<number, Bucket>();
  /** The hashes under which the forms of a secret stand, in their order. */
  readonly #hashes = new Map<string, readonly number[]>();

  get isEmpty(): boolean {
    return this.#hashes.size === 0;
  }

  add(secret: string): void {
    const hashes = distinctForms(secret).map((form) => {
      const text = formOf(secret, form);
      const { hash, offset } = this.#freest(text);
      const bucket = this.#buckets.get(hash) ?? { anchors: [], more: 0, before: 0, after: 0 };
      if (bucket.anchors.length < mostAnchors) bucket.anchors.push({ secret, form, offset });
      else bucket.more++;
      bucket.before = Math.max(bucket.before, offset);
      bucket.after = Math.max(bucket.after, text.length - offset);
      this.#buckets.set(hash, bucket);
      return hash;
    });
    this.#hashes.set(secret, hashes);
  }

  delete(secret: string): void {
    for (const hash of this.#hashes.get(secret) ?? []) {
      const bucket = this.#buckets.get(hash);
      if (bucket === undefined) continue;
      const index = bucket.anchors.findIndex((one) => one.secret === secret);
      if (index >= 0) bucket.anchors.splice(index, 1);
      else bucket.more--;
      if (bucket.anchors.length + bucket.more === 0) this.#buckets.delete(hash);
    }
    this.#hashes.delete(secret);
  }

  /**
   * Tells where each form of each secret stands; the whole text, or a stretch of it, where that takes too much work.
   * Gives how many characters it has compared.
   */
  find(text: string, tell: (start: number, end: number) => void): number {
    if (text.length < width) return 0;
    const mostWork = leastWork + workPerCharacter * text.length;
    let work = 0;
    let hash = 0;
    for (let at = 0; at < width - 1; at++) hash = (Math.imul(hash, base) + text.charCodeAt(at)) | 0;
    for (let end = width - 1; end < text.length; end++) {
      hash = (Math.imul(hash, base) + text.charCodeAt(end)) | 0;
      const at = end - width + 1;
      const bucket = this.#buckets.get(hash);
      if (bucket !== undefined && bucket.more > 0) {
        tell(Math.max(0, at - bucket.before), Math.min(text.length, at + bucket.after));
      } else if (bucket !== undefined) {
        for (const { secret, form, offset } of bucket.anchors) {
          const start = at - offset;
          // No form is shorter than its secret.
          if (start < 0 || start + secret.length > text.length) continue;
          const whole = formOf(secret, form);
          work += whole.length;
          if (text.startsWith(whole, start)) tell(start, start + whole.length);
          if (work > mostWork) {
            tell(0, text.length);
            return work;
          }
        }
      }
      hash = (hash - Math.imul(text.charCodeAt(at), topPower)) | 0;
    }
    return work;
  }

  #freest(text: string): Window {
    let best: Window = { hash: hashOf(text, 0), offset: 0 };
    let least = Infinity;
    for (const window of windowsOf(text)) {
      const { anchors = [], more = 0 } = this.#buckets.get(window.hash) ?? {};
      const load = anchors.length + more;
      if (load < least) [best, least] = [window, load];
      if (load === 0) break;
    }
    return best;
  }
}

interface Window {
  readonly hash: number;
  readonly offset: number;
}

/** Those at the end, which differ most often, then those at the start, then some between. */
function* windowsOf(text: string): Generator<Window> {
  const last = text.length - width;
  const between = Math.max(1, Math.floor(last / places));
  for (const offset of [
    ...offsets(last, last - near, -step),
    ...offsets(0, near, step),
    ...offsets(near, last, between),
  ]) {
    if (offset >= 0 && offset <= last) yield { hash: hashOf(text, offset), offset };
  }
}

function offsets(from: number, to: number, by: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / by)) }, (_, n) => from + n * by);
}

function hashOf(text: string, offset: number): number {
  let hash = 0;
  for (let at = offset; at < offset + width; at++) {
    hash = (Math.imul(hash, base) + text.charCodeAt(at)) | 0;
  }
  return hash;
}

function power(of: number, exponent: number): number {
  let result = 1;
  for (let left = exponent; left > 0; left--) result = Math.imul(result, of);
  return result;
}
