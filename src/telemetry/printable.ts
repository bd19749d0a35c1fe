/* What a terminal obeys, what starts a line somewhere, and what shows text in another order or not at all. */

/** Those that JSON lets stand as they are. */
const inJson = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;
const inText = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** JSON that means the same and can be shown. */
export function printableJson(json: string): string {
  return json.replace(inJson, escaped);
}

/** A text that can be shown in one line, control characters as JSON escapes them. */
export function printable(text: string): string {
  return text.replace(inText, escaped);
}

function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, i) => {
    const short = JSON.stringify(char[i]).slice(1, -1);
    return short === char[i] ? `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}` : short;
  }).join('');
}
