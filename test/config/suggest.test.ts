import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/config/suggest.ts';

const known = ['upstream', 'client_id', 'client_secret', 'timeout', 'tls', 'ca'];

describe('the nearest known word', () => {
  it.each([
    ['upstrem', 'upstream'],
    ['upsteram', 'upstream'],
    ['Upstream', 'upstream'],
    ['clientId', 'client_id'],
    ['client-secret', 'client_secret'],
    ['timout', 'timeout'],
    ['tsl', 'tls'],
    ['cas', 'ca'],
  ])('to %s is %s', (given, word) => {
    expect(nearest(given, known)).toBe(word);
  });

  it.each(['', 'x', 'colour', 'y'.repeat(1_000), 'constructor'])('to %s is none', (given) => {
    expect(nearest(given, known)).toBeUndefined();
  });
});
