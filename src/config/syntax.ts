import type { YAMLError } from 'yaml';

/*
 * What the YAML parser's own messages say, without the pieces of the file that some of them quote: those may be
 * secrets.
 */
const messages: Partial<Record<YAMLError['code'], string>> = {
  ALIAS_PROPS: 'an alias takes no tag and no anchor',
  BAD_ALIAS: 'this is not an alias; put a value that begins or ends with * or & in quotes',
  BAD_COLLECTION_TYPE: 'this tag does not fit the value; write it without a tag',
  BAD_DIRECTIVE: 'this % directive is not understood; put a value that begins with % in quotes',
  BAD_DQ_ESCAPE: 'this is not an escape of double quotes; use single quotes for a text with backslashes',
  BAD_INDENT: 'the indentation does not fit the lines above; keys of one mapping begin in the same column',
  BAD_SCALAR_START: 'a value cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a value holds ": " or begins a mapping on the same line; put it in quotes or on its own lines',
  BLOCK_IN_FLOW:
    'a { } or [ ] holds a value that goes on over lines; close the bracket or put the value in quotes',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line and be followed by ": "',
  MULTIPLE_ANCHORS: 'a value has one anchor at most',
  MULTIPLE_DOCS: 'there is more than one YAML document; keep one and remove the line ---',
  MULTIPLE_TAGS: 'a value has one tag at most',
  RESOURCE_EXHAUSTION: 'the YAML is nested too deeply to be read',
  TAB_AS_INDENT: 'a tab is used for indentation; YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'YAML tags (!…) are not supported; put a value that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'something here is not YAML; put a value with { } [ ] or " in it in quotes',
};

/** One sentence on a YAML error that quotes nothing of the file. */
export function syntaxMessage(error: YAMLError, text: string): string {
  if (text.slice(error.pos[0] - 1, error.pos[0] + 1) === '${') return 'put ${…} inside { } or [ ] in quotes';
  const { code, message } = error;
  if (message.includes('end with a }')) return 'the closing } is missing; put ${…} inside { } in quotes';
  if (message.includes('end with a ]')) return 'the closing ] is missing';
  if (code === 'MISSING_CHAR') return missing(message);
  return messages[code] ?? 'this is not YAML';
}

function missing(message: string): string {
  if (message.includes('closing "quote')) return 'the closing " is missing';
  if (message.includes("closing 'quote")) return "the closing ' is missing";
  if (message.includes('Implicit map keys')) return 'a key must be followed by a colon and a space';
  if (message.includes('Missing , ')) return 'a comma is missing; put ${…} inside { } in quotes';
  if (message.includes('Comments must be'))
    return 'a # needs a space before it; put a value with # in quotes';
  return 'a character is missing before this place';
}
