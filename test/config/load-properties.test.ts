import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import { renderProblem } from '../../src/config/problems.ts';
import { presets } from '../../src/provider/presets.ts';

const shipped = readFileSync(join(import.meta.dirname, '../../routes.yaml'), 'utf8');
const names = [...shipped.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name = '']) => name);
const env = Object.fromEntries(names.map((name) => [name, `S3CR3T-${name}`]));

const rich = `server: { listen: "0.0.0.0:8080", hosts: [proxy.example] }
store: { url: "rediss://:L1T3RAL-8@redis.example:6379/0", key: [L1T3RAL9L1T3RAL9L1T3RAL9L1T3RAL9L1T3RAL9L1T=] }
callers:
  app: { key: [L1T3RAL-1-L1T3RAL, "\${file:/k}"], routes: [/a] }
providers:
  p:
    extends: realer
    grant_types:
      [client_credentials, authorization_code, "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"]
    token: { params: { audience: L1T3RAL-2 }, headers: { X-Api: L1T3RAL-3 } }
    response: { expires: [{ path: a, as: seconds }, { path: b, as: iso }] }
    attach: { headers: { X-Key: L1T3RAL-4 } }
    authorize: { url: "https://id.example/login", params: { key: L1T3RAL-10 } }
    refused: { status: [401, 403], body: expired }
credentials:
  c:
    provider: p
    client_id: \${ID}
    client_secret: L1T3RAL-5
    tenant: { header: X-Org, max: "\${MAX:-10}" }
  d: { provider: vbrick-rev, base_url: https://rev.example, client_id: i, grant_type: refresh_token, refresh_token: L1T3RAL-6 }
  e: { provider: p, client_id: i, client_secret: [L1T3RAL-11], grant_type: authorization_code, tenant: { header: X-Org } }
  f:
    provider: p
    using: c
    tenant: { header: X-Org }
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange"
    actor_token: L1T3RAL-12
    actor_token_type: jwt
  g:
    provider: p
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assertion: L1T3RAL-13
routes:
  /a: &a
    credential: c
    timeout: { connect: 1s }
    headers: { set: { X-A: L1T3RAL-7 }, remove: [Accept] }
  /b: { <<: *a, callers: [app] }
  /d: { credential: d }
  /e: { credential: e }
  /f: { credential: f }
  /g: { credential: g }
`;

function read(text: string) {
  const readFile = () => 'S3CR3T-FILE-S3CR3T';
  return load(text, { file: 'routes.yaml', env: { ...env, ID: 'S3CR3T-ID' }, readFile, presets });
}

function checkProblems(text: string): void {
  const { config, problems } = read(text);
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const errors = problems.filter(({ level }) => level === 'error');
  expect(config === undefined).toBe(errors.length > 0);
  let previous = 0;
  for (const problem of problems) {
    expect(problem.message).not.toBe('');
    expect(problem.line).toBeLessThanOrEqual(lines.length);
    expect(problem.line).toBeGreaterThanOrEqual(previous);
    previous = problem.line;
    if (problem.line > 0) {
      expect(problem.column).toBeGreaterThanOrEqual(1);
      expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1]?.length ?? 0) + 1);
    }
    expect(renderProblem(problem)).not.toContain('S3CR3T');
  }
}

/** Cuts, doubles, moves and replaces pieces of a text. */
const mutation = (base: string) =>
  fc
    .array(
      fc.record({
        at: fc.nat(base.length),
        length: fc.nat(12),
        put: fc.oneof(
          fc.string({ maxLength: 6 }),
          fc.constantFrom(
            '',
            '\n',
            '  ',
            '\t',
            ':',
            ': ',
            '{',
            '}',
            '[',
            ']',
            '"',
            "'",
            '#',
            '&a ',
            '*a',
            '!t ',
            '|',
            '>',
            '- ',
            '? ',
            '<<: ',
            '---\n',
            '${',
            '$',
            '%',
            '__proto__',
            '\u0000',
            '\uFEFF',
            '1',
            'null',
            '~',
          ),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((edits) =>
      edits.reduce((text, { at, length, put }) => text.slice(0, at) + put + text.slice(at + length), base),
    );

/** Moves whole lines about, which gives YAML that parses and means something else. */
const shuffled = (base: string) =>
  fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(3)), { minLength: 1, maxLength: 4 }).map((moves) => {
    const lines = base.split('\n');
    for (const [from, to, indent] of moves) {
      const [line = ''] = lines.splice(from % lines.length, 1);
      lines.splice(to % (lines.length + 1), 0, '  '.repeat(indent) + line.trimStart());
    }
    return lines.join('\n');
  });

describe('reading a configuration', () => {
  it('accepts the files that the mutations start from', () => {
    expect(read(shipped).problems.filter(({ level }) => level === 'error')).toEqual([]);
    expect(read(rich).problems).toEqual([]);
  });

  it('never throws on any text and always says where', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), checkProblems), {
      numRuns: 500,
    });
  });

  it('never throws on a damaged file, and no value from outside gets into a problem', () => {
    fc.assert(fc.property(fc.oneof(mutation(shipped), mutation(rich)), checkProblems), { numRuns: 700 });
  });

  it('never throws on a file with its lines in disorder', () => {
    fc.assert(fc.property(fc.oneof(shuffled(shipped), shuffled(rich)), checkProblems), { numRuns: 500 });
  });

  it('shows no literal secret, whatever is wrong elsewhere in the file', () => {
    const words = [
      'provider',
      'realer',
      'credential',
      'timeout',
      'connect',
      '1s',
      'seconds',
      'extends',
      '401',
      'true',
      'max',
      'hosts',
      '/a',
      'X-Org',
    ];
    const edit = fc.tuple(
      fc.constantFrom(...words),
      fc.constantFrom('', 'x', '5', '[a]', '{}', '~', '/b/', 'client_id', '&x', '*x', '!t', '${', '"', '{'),
      fc.nat(3),
    );
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let text = rich;
        for (const [word, replacement, skip] of edits) {
          const places = [...text.matchAll(new RegExp(word.replace(/[/]/g, '\\/'), 'g'))];
          const at = places[skip % Math.max(1, places.length)]?.index;
          if (at !== undefined) text = text.slice(0, at) + replacement + text.slice(at + word.length);
        }
        expect(read(text).problems.map(renderProblem).join('')).not.toContain('L1T3RAL');
      }),
      { numRuns: 900 },
    );
  });

  it('shows no literal secret for any cut of the file', () => {
    for (let end = 0; end < rich.length; end++) {
      expect(read(rich.slice(0, end)).problems.map(renderProblem).join('')).not.toContain('L1T3RAL');
    }
  });
});
