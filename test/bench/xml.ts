/** An element of a document. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** All text in it, that of its children included. */
  readonly text: string;
}

const nameStart = /[A-Za-z_]/;
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Reads a document of elements, attributes and text alone. Throws where XML 1.0 says that it is not well-formed. */
export function readXml(source: string): Element {
  const bad = forbidden.exec(source);
  if (bad) throw new SyntaxError(`character U+${bad[0].codePointAt(0)?.toString(16)} at ${bad.index}`);
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at ${at}: ${source.slice(at, at + 40)}`);
  };
  const take = (pattern: RegExp): string => {
    const sticky = new RegExp(pattern.source, 'uy');
    sticky.lastIndex = at;
    const found = sticky.exec(source)?.[0] ?? fail(`expected ${pattern.source}`);
    at += found.length;
    return found;
  };
  const decoded = (raw: string) =>
    raw.replace(/&([^;&\s]*)(;?)/g, (whole, name: string, end) => {
      const number = /^#(\d+)$/.exec(name)?.[1];
      if (end === '') fail('a bare &');
      return number === undefined
        ? (entities[name] ?? fail(`entity ${whole}`))
        : String.fromCodePoint(Number(number));
    });
  const element = (): Element => {
    take(/</);
    const name = take(/[A-Za-z_][\w.-]*/);
    const attributes: Record<string, string> = {};
    while (/\s/.test(source[at] ?? '')) {
      take(/\s+/);
      if (!nameStart.test(source[at] ?? '')) break;
      const key = take(/[A-Za-z_][\w.-]*/);
      take(/="/);
      if (Object.hasOwn(attributes, key)) fail(`${key} twice`);
      attributes[key] = decoded(take(/[^<"]*/));
      take(/"/);
    }
    if (source.startsWith('/>', at)) {
      at += 2;
      return { name, attributes, children: [], text: '' };
    }
    take(/>/);
    const children: Element[] = [];
    let text = '';
    while (!source.startsWith('</', at)) {
      if (source[at] === '<') {
        const child = element();
        children.push(child);
        text += child.text;
      } else {
        const raw = take(/[^<]+/);
        if (raw.includes(']]>')) fail('a bare ]]>');
        text += decoded(raw);
      }
    }
    take(/<\//);
    if (take(/[A-Za-z_][\w.-]*/) !== name) fail(`the end of ${name}`);
    take(/\s*>/);
    return { name, attributes, children, text };
  };
  const root = element();
  take(/\s*/);
  if (at < source.length) fail('more after the end');
  return root;
}

/** The element and all that are in it. */
export function everyElement(root: Element): Element[] {
  return [root, ...root.children.flatMap(everyElement)];
}
