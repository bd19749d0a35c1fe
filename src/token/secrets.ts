import { createHash } from 'node:crypto';
import type { CallerConfig, CredentialConfig } from '../config/schema.ts';
import type { Secret } from '../config/secret.ts';
import { CupbearerError } from '../errors.ts';
import { readSigningKey } from '../provider/signing-key.ts';

/** An entry of the configuration that has secrets. */
export type Holder = CredentialConfig | CallerConfig;

/** Every secret of an entry, by its key in the configuration. */
export function secretsOf(config: Holder): [name: string, secret: Secret][] {
  return Object.entries(config).flatMap(([name, value]) =>
    [value]
      .flat()
      .filter(isSecret)
      .map((secret): [string, Secret] => [name, secret]),
  );
}

function isSecret(value: unknown): value is Secret {
  return typeof (value as Partial<Secret> | null)?.reveal === 'function';
}

/** Their texts, for what must never be shown. */
export function revealed(config: CredentialConfig): string[] {
  return secretsOf(config).map(([, secret]) => secret.reveal());
}

/** SHA-256 over all of them: another value when one has changed. */
export function fingerprint(config: CredentialConfig): string {
  return createHash('sha256')
    .update(JSON.stringify(revealed(config)))
    .digest('base64');
}

export interface Reread {
  /** Keys whose text is another now. */
  readonly changed: readonly string[];
  /** Keys whose source gave nothing usable, and why; the text before stays. */
  readonly kept: readonly (readonly [name: string, reason: string])[];
}

/** Reads every secret of the entry from its source again. A file that is being written may be empty, or half a key. */
export function reread(config: Holder): Reread {
  const changed = new Set<string>();
  const kept = new Map<string, string>();
  for (const [name, secret] of secretsOf(config)) {
    try {
      if (secret.reread(name === 'private_key' ? mustBeKey : undefined)) changed.add(name);
    } catch (error) {
      kept.set(name, error instanceof CupbearerError ? error.message : 'it cannot be read');
    }
  }
  return { changed: [...changed], kept: [...kept] };
}

function mustBeKey(text: string): void {
  if (readSigningKey(text) !== undefined) return;
  throw new CupbearerError('configuration-invalid', 'it is no private key, or not the whole of it');
}

/** The text as its source has it now; the text before when it cannot be read. For what others renew in its file. */
export function latest(secret: Secret | undefined): string | undefined {
  try {
    secret?.reread();
  } catch {
    // The one before may still do.
  }
  return secret?.reveal();
}
