const longest = 64;

/** The known word that is most likely meant by `given`: `upstrem` → `upstream`, `clientId` → `client_id`. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  if (given.length > longest) return undefined;
  const plain = plainForm(given);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const word of known) {
    if (Math.abs(word.length - given.length) > longest) continue;
    const distance = word === given ? 0 : editDistance(plain, plainForm(word));
    if (distance < bestDistance && distance < plain.length) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** `; did you mean …?`, or the known words when none is near and they are few. */
export function suggestion(given: string, known: Iterable<string>): string {
  const words = [...known];
  const near = nearest(given, words);
  if (near !== undefined) return `; did you mean \`${near}\`?`;
  if (words.length === 0) return '';
  return words.length <= 16 ? `; known: ${words.join(', ')}` : '';
}

function plainForm(word: string): string {
  return word.toLowerCase().replace(/[_\-. ]/g, '');
}

/** Damerau-Levenshtein, adjacent transpositions only. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, at(before, j - 2) + 1);
      row.push(value);
    }
    before = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0;
}
