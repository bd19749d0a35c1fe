import { randomBytes } from 'node:crypto';

/** What became of something that was asked for, for a person. */
export interface Notice {
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

const mostKept = 100;
const keptMs = 60_000;

/** Notices for the page that follows a form, a minute each. The address of that page names one and says nothing of it. */
export class Notices {
  readonly #kept = new Map<string, Notice & { readonly at: number }>();
  readonly #now: () => number;

  /** `now` gives monotonic ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Gives its name. */
  keep(notice: Notice): string {
    const id = randomBytes(9).toString('base64url');
    this.#kept.set(id, { ...notice, at: this.#now() });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
    return id;
  }

  get(id: string | undefined): Notice | undefined {
    const notice = id === undefined ? undefined : this.#kept.get(id);
    return notice !== undefined && this.#now() - notice.at < keptMs ? notice : undefined;
  }
}
