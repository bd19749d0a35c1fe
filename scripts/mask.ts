/** Keywords after which a slash starts a regular expression. */
const beforeExpression =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|do|else|await|yield)$/;

/**
 * The source with comments, regular expressions and the insides of strings and templates blanked out. Same length, same
 * line breaks: an offset in the result is an offset in the source. Quotes stay, and so does code inside `${}`.
 */
export function mask(source: string): string {
  const out = source.split('');
  const blank = (from: number, to: number) => {
    for (let i = from; i < to && i < out.length; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  // Depth of braces in each open `${}`; its `}` returns to the template around it.
  const templates: number[] = [];
  let at = 0;
  while (at < source.length) {
    const char = source[at] as string;
    const start = at;
    if (char === '/' && source[at + 1] === '/') {
      at = until(source, '\n', at);
      blank(start, at);
    } else if (char === '/' && source[at + 1] === '*') {
      at = until(source, '*/', at + 2) + 2;
      blank(start, at);
    } else if (char === '/' && startsRegex(out.slice(0, at).join(''))) {
      at = endOfRegex(source, at);
      blank(start + 1, at - 1);
    } else if (char === '"' || char === "'") {
      at = endOfString(source, at);
      blank(start + 1, at - 1);
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop();
      at = endOfTemplatePart(source, at + 1);
      const open = source.startsWith('${', at - 2);
      blank(start + 1, at - (open ? 2 : 1));
      if (open) templates.push(0);
    } else {
      const depth = templates.length - 1;
      if (depth >= 0 && char === '{') templates[depth] = (templates[depth] as number) + 1;
      if (depth >= 0 && char === '}') templates[depth] = (templates[depth] as number) - 1;
      at += 1;
    }
  }
  return out.join('');
}

function until(source: string, needle: string, from: number): number {
  const found = source.indexOf(needle, from);
  return found < 0 ? source.length : found;
}

function endOfString(source: string, from: number): number {
  let at = from + 1;
  while (at < source.length && source[at] !== source[from] && source[at] !== '\n')
    at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Behind the closing backquote, or behind the next `${`. */
function endOfTemplatePart(source: string, from: number): number {
  let at = from;
  while (at < source.length && source[at] !== '`' && !source.startsWith('${', at))
    at += source[at] === '\\' ? 2 : 1;
  return source[at] === '$' ? at + 2 : at + 1;
}

function startsRegex(before: string): boolean {
  const code = before.slice(-200).trimEnd();
  return code === '' || /[(,=:[!&|?{};+\-*%<>~^]$/.test(code) || beforeExpression.test(code);
}

function endOfRegex(source: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < source.length && source[at] !== '\n'; at++) {
    const char = source[at];
    if (char === '\\') at += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return from + 1;
}
