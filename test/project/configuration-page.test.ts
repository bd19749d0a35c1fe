import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../scripts/configuration-text.ts';
import { isNode, type SchemaNode } from '../../src/config/example-tree.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';

const root = join(import.meta.dirname, '../..');

describe('docs/configuration.md', () => {
  let schema: SchemaNode;
  let page: string;
  let anchors: Set<string>;

  beforeAll(async () => {
    schema = await jsonSchema();
    page = renderPage(schema);
    const headings = [...page.matchAll(/^##+ (.+)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, '')
        .replaceAll(' ', '-'),
    );
    anchors = new Set([...headings, ...[...page.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)]);
  });

  it('is what the schema says', () => {
    expect(readFileSync(join(root, 'docs/configuration.md'), 'utf8'), 'run: npm run docs').toBe(page);
  });

  it('has an anchor for every key of every section', () => {
    const keys = Object.entries(schema.properties as Record<string, SchemaNode>).flatMap(
      ([section, node]) => {
        const { properties } = isNode(node.properties) ? node : (node.additionalProperties as SchemaNode);
        return Object.keys(properties as SchemaNode).map((key) => `${section}.${key}`);
      },
    );
    expect(keys.length).toBeGreaterThan(70);
    expect(keys.filter((key) => !anchors.has(key))).toEqual([]);
  });

  it('gives every key a type, a meaning and an example', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| <a id='));
    const whole =
      /^\| <a id="[\w.]+"><\/a>`(\w+)` \| [^|]+ \| (?:–|\*\*required\*\*|`(?:[^|`]|\\\|)+`) \| \S.+<br>`\1: .+` \|$/;
    expect(rows.filter((row) => !whole.test(row))).toEqual([]);
    expect(rows.join('\n')).not.toMatch(/undefined|\[object/);
  });

  it('links to places that exist', () => {
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, to = '']) => to);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((to) => !anchors.has(to))).toEqual([]);
  });
});
