import type { Config } from '../config/config.ts';
import { type Secret, secretsIn } from '../config/secret.ts';
import { percentDecoded } from '../telemetry/percent-decoded.ts';
import { createScrubber, type Scrubber } from '../telemetry/scrubber.ts';

/** Every secret of a configuration. */
export function configuredSecrets({ server, store, callers, credentials, sensitive }: Config): Secret[] {
  return secretsIn([server, store, callers, credentials, sensitive]);
}

/** A scrubber of every secret of a configuration. */
export function scrubberOf(config: Config): Scrubber {
  const scrubber = createScrubber();
  keepOut(configuredSecrets(config), scrubber);
  return scrubber;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** An environment without the variables that secrets of a configuration come from. */
export function withoutSecrets(env: Environment, config: Config): Environment {
  const names = new Set(configuredSecrets(config).flatMap(({ variables }) => variables));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}

/** Has the scrubber know these secrets as they are now and whenever they have been read again, and those before. */
export function keepOut(secrets: readonly Secret[], scrubber: Scrubber): void {
  for (const secret of secrets) {
    for (const text of textsOf(secret.reveal())) scrubber.add(text);
    secret.watch((fresh, before) => {
      for (const text of textsOf(fresh)) scrubber.add(text);
      for (const text of textsOf(before)) {
        scrubber.note(text);
        scrubber.remove(text);
      }
    });
  }
}

/** The secrets that only one of two configurations has. */
export interface ExchangedSecrets {
  readonly fresh: readonly Secret[];
  /** To be called when the second is in force: those of the first are known for a while more. */
  forget(): void;
}

/** Apart, so that a secret that somebody still has does not hold those that came after it. */
function noteChanges(secret: Secret, scrubber: Scrubber): void {
  secret.watch((fresh) => {
    for (const text of textsOf(fresh)) scrubber.note(text);
  });
}

/** Has the scrubber know the secrets of a configuration that is to take another's place. */
export function exchangeSecrets(before: Config, after: Config, scrubber: Scrubber): ExchangedSecrets {
  const known = new Set(configuredSecrets(before));
  const still = new Set(configuredSecrets(after));
  const fresh = [...still].filter((secret) => !known.has(secret));
  keepOut(fresh, scrubber);
  return {
    fresh,
    forget() {
      for (const secret of known) {
        if (still.has(secret)) continue;
        for (const text of textsOf(secret.reveal())) {
          scrubber.note(text);
          scrubber.remove(text);
        }
        noteChanges(secret, scrubber);
      }
    },
  };
}

/**
 * A secret, and what of it would be one by itself: the password of a URL, the lines of a PEM, be it in the JSON of a key
 * file, the numbers of a JWK.
 */
function textsOf(secret: string): string[] {
  const texts = [secret];
  // As clients read it: the password may hold `:` and `@`.
  const { password = '' } = URL.parse(secret) ?? {};
  if (password !== '') texts.push(password, percentDecoded(password));
  if (secret.includes('-----BEGIN'))
    texts.push(...secret.split(/\r?\n|(?:\\r)?\\n/).filter((line) => /^[\w+/=]{16,}$/.test(line)));
  for (const [, number = ''] of secret.matchAll(/"(?:d|p|q|dp|dq|qi|k)"\s*:\s*"([\w-]+)"/g))
    texts.push(number);
  return texts;
}
