/** The exchanges that go by one set of rules. */
export class Era {
  #inside = 0;
  readonly #over = Promise.withResolvers<void>();
  #isEnding = false;

  /** An exchange begins. */
  enter(): void {
    this.#inside++;
  }

  /** An exchange needs these rules no more; to be called once for each that entered. */
  leave(): void {
    this.#inside--;
    this.#settle();
  }

  /** None will begin any more. Resolves when there is none left. */
  end(): Promise<void> {
    this.#isEnding = true;
    this.#settle();
    return this.#over.promise;
  }

  #settle(): void {
    if (this.#isEnding && this.#inside === 0) this.#over.resolve();
  }
}
