import type { Clock } from '../token/clock.ts';
import { Flight } from '../token/flight.ts';
import type { Token, TokenId } from '../token/token.ts';

/** Reports that an origin refused a token; has to call `answered` when the answer is there, before anybody gets it. */
export type Report = (
  refused: TokenId,
  origin: string,
  answered: (token: Token | undefined) => void,
) => Flight<Token | undefined>;

/** How long it holds that nothing came of a refusal, ms. */
const vainMs = 250;

/** The refusals of one credential's tokens: reported once for all who met the same, and not again at once in vain. */
export class Refusals {
  readonly #clock: Clock;
  readonly #report: Report;
  /** By generation and origin: the report, or until when (monotonic ms) another would be in vain. */
  readonly #known = new Map<string, Flight<Token | undefined> | number>();

  constructor(clock: Clock, report: Report) {
    this.#clock = clock;
    this.#report = report;
  }

  /** What the report will bring; undefined when nothing came of it a moment ago. */
  report(refused: TokenId, origin: string): Flight<Token | undefined> | undefined {
    const mono = this.#clock.mono();
    const key = `${refused.gen} ${origin}`;
    const known = this.#known.get(key);
    if (known instanceof Flight) return known;
    if (known !== undefined && mono < known) return undefined;
    for (const [other, until] of this.#known)
      if (typeof until === 'number' && until <= mono) this.#known.delete(other);
    const flight = this.#report(refused, origin, (token) => {
      if (token === undefined) this.#known.set(key, this.#clock.mono() + vainMs);
      else this.#known.delete(key);
    });
    this.#known.set(key, flight);
    return flight;
  }

  /** A report is not answered yet. */
  get pending(): boolean {
    return this.#known.values().some((known) => known instanceof Flight);
  }

  /** Ends what is waited for. */
  end(): void {
    for (const known of this.#known.values()) if (known instanceof Flight) known.end();
  }
}
