const enoughBytes = 64 * 1024;
/** Looks are half a second apart. */
const maxLooks = 4;

/** The beginning of an answer's body, kept back until it has been judged. */
export class HeldBody {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #looks = 0;
  readonly #ready = Promise.withResolvers<void>();

  /** Keeps a piece; false when no more is wanted for now. */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes < enoughBytes) return true;
    this.end();
    return false;
  }

  /** Half a second has passed. */
  look(): void {
    if (++this.#looks >= maxLooks) this.end();
  }

  /** Nothing more will come. */
  end(): void {
    this.#ready.resolve();
  }

  /** What has come once it is complete, has reached 64 KiB or took two seconds. */
  async judged(): Promise<Buffer> {
    await this.#ready.promise;
    return Buffer.concat(this.#chunks);
  }

  /** Gives away what has come. */
  take(): readonly Buffer[] {
    return this.#chunks.splice(0);
  }
}
