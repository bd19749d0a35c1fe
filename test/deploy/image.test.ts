import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const lines = (name: string) => readFileSync(join(root, name), 'utf8').replaceAll('\\\n', ' ').split('\n');
const dockerfile = lines('Dockerfile');

describe('the image', () => {
  /** What is copied from the repository, not from another stage. */
  const copied = dockerfile.flatMap((line) => {
    const [command, ...words] = line.split(/\s+/);
    return command === 'COPY' && !line.includes('--from=') ? words.slice(0, -1) : [];
  });

  it('is built from what .dockerignore lets through, and from nothing else', () => {
    const [everything, ...allowed] = lines('.dockerignore').filter((line) => line !== '');
    expect(everything).toBe('*');
    expect(new Set(copied)).toEqual(new Set(allowed.map((line) => line.replace(/^!/, ''))));
    expect(allowed.every((line) => line.startsWith('!'))).toBe(true);
  });

  it.each(copied)('copies %s, which is there', (name) => {
    expect(globSync(name, { cwd: root })).toEqual([name]);
  });

  it('runs as a number, by which Kubernetes sees that it is not root', () => {
    expect(dockerfile.filter((line) => line.startsWith('USER'))).toEqual(['USER 1000:1000']);
  });

  it('starts Node itself, so that signals reach it', () => {
    const started = dockerfile.filter((line) => /^(?:ENTRYPOINT|CMD|STOPSIGNAL)/.test(line));
    expect(started).toEqual(
      [
        'ENTRYPOINT ["node", "--disable-sigusr1", "/app/dist/main.js"]',
        'CMD ["serve"]',
        'STOPSIGNAL SIGTERM',
      ].toSorted((a, b) => dockerfile.indexOf(a) - dockerfile.indexOf(b)),
    );
  });

  it('takes every stage from the base image that one argument names', () => {
    const bases = dockerfile.filter((line) => line.startsWith('FROM')).map((line) => line.split(' ')[1]);
    expect(new Set(bases)).toEqual(new Set(['${NODE_IMAGE}']));
  });
});
