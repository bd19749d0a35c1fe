/** A text that is somebody else's as one line, without what a terminal obeys and what shows it in another order. */
export function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
}
