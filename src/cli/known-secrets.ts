import type { Config } from '../config/config.ts';
import { type Secret, secretsIn } from '../config/secret.ts';
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

/** A secret, and what of it would be one by itself: the password of a URL, the lines of a PEM, the numbers of a JWK. */
function textsOf(secret: string): string[] {
  const texts = [secret];
  // As clients read it: the password may hold `:` and `@`.
  const { password = '' } = URL.parse(secret) ?? {};
  if (password !== '') texts.push(password, decoded(password));
  if (secret.includes('-----BEGIN'))
    texts.push(...secret.split(/\r?\n/).filter((line) => /^[\w+/=]{16,}$/.test(line)));
  for (const [, number = ''] of secret.matchAll(/"(?:d|p|q|dp|dq|qi|k)"\s*:\s*"([\w-]+)"/g))
    texts.push(number);
  return texts;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
