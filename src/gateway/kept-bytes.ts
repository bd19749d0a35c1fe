const smallBytes = 2 * 1024;
const pageBytes = 16 * 1024;

/**
 * Bytes kept in the order they came. Small pieces are copied together: each by itself costs several hundred bytes, and a
 * body may come in chunks of one byte.
 */
export class KeptBytes {
  readonly #pieces: Buffer[] = [];
  /** The last piece, when it is a page of ours with room; `#used` bytes of it are taken. */
  #page: Buffer | undefined;
  #used = 0;

  add(piece: Buffer): void {
    const page = this.#page;
    if (page !== undefined && piece.length <= page.length - this.#used) {
      this.#fill(page, piece);
      return;
    }
    this.#seal();
    const last = this.#pieces.at(-1);
    if (last === undefined || piece.length > smallBytes || last.length > smallBytes) {
      this.#pieces.push(piece);
      return;
    }
    this.#page = Buffer.allocUnsafe(pageBytes);
    this.#pieces[this.#pieces.length - 1] = this.#page;
    this.#fill(this.#page, last);
    this.#fill(this.#page, piece);
  }

  /** What has been kept so far, in as many pieces as it takes. */
  pieces(): readonly Buffer[] {
    this.#seal();
    return this.#pieces;
  }

  whole(): Buffer {
    const pieces = this.pieces();
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  #fill(page: Buffer, piece: Buffer): void {
    piece.copy(page, this.#used);
    this.#used += piece.length;
  }

  #seal(): void {
    if (this.#page === undefined) return;
    this.#pieces[this.#pieces.length - 1] = this.#page.subarray(0, this.#used);
    this.#page = undefined;
    this.#used = 0;
  }
}
