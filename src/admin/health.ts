import { type Tone, toneOf } from './state-words.ts';
import type { CredentialStatus, StatusReport } from './status.ts';

/** How an instance is, in a few words. */
export interface Health {
  readonly tone: Tone;
  readonly words: string;
}

/** Of a running instance. A store in memory is always there. */
export function healthOf({ credentials, store, config, draining }: StatusReport): Health {
  const unwell = credentials.filter(({ well }) => !well).length;
  const troubles = [
    ...(unwell === 0
      ? []
      : [unwell === 1 ? '1 credential is not well' : `${unwell} credentials are not well`]),
    ...(store.reachable ? [] : ['the store cannot be reached']),
    ...(config?.refused === undefined ? [] : ['the configuration file was refused']),
  ];
  if (troubles.length > 0) return { tone: 'bad', words: sentence(troubles) };
  if (draining) return { tone: 'warn', words: 'Shutting down' };
  const shaky = credentials.filter((one) => toneOf(one) === 'warn').length;
  if (shaky > 0) return { tone: 'warn', words: `All well; ${shaky} to keep an eye on` };
  return { tone: 'good', words: 'All well' };
}

/** Unwell ones first, those to keep an eye on next, then by name as they come. */
export function byUrgency(credentials: readonly CredentialStatus[]): CredentialStatus[] {
  const rank = (one: CredentialStatus) => ({ bad: 0, warn: 1, busy: 2, good: 2, idle: 2 })[toneOf(one)];
  return credentials.toSorted((a, b) => rank(a) - rank(b));
}

function sentence(parts: readonly string[]): string {
  const text = parts.join(', ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
