import type { Provider } from '../provider/provider.ts';
import type { CallerConfig, CredentialConfig, RouteFile, ServerConfig, StoreConfig } from './schema.ts';
import type { Secret } from './secret.ts';

/** The validated, deeply frozen configuration: what everything after `config` works with. */
export interface Config {
  readonly server: ServerConfig;
  readonly store: StoreConfig;
  readonly callers: Readonly<Record<string, CallerConfig>>;
  /** Each credential's provider, merged with its preset and the credential's base_url; keyed by credential name. */
  readonly providers: Readonly<Record<string, Provider>>;
  readonly credentials: Readonly<Record<string, CredentialConfig>>;
  readonly routes: readonly Route[];
  /** What else placeholders gave that must not be shown; texts of Secrets that stand elsewhere may be among it. */
  readonly sensitive: readonly Secret[];
}

/** One route, everything resolved. */
export interface Route extends Omit<RouteFile, 'upstream' | 'methods'> {
  /** `/` or `/a/b`: no trailing slash, no dot segments, no percent, no empty segments. */
  readonly prefix: string;
  readonly upstream: Upstream;
  /** Upper case; undefined lets all but TRACE and CONNECT through. */
  readonly methods: readonly string[] | undefined;
}

/** A base URL, taken apart once so that no request ever re-parses it. */
export interface Upstream {
  /** `https://host[:port]`. */
  readonly origin: string;
  /** Value of the Host field. */
  readonly host: string;
  /** Empty, or a path that starts with a slash and does not end in one. */
  readonly base_path: string;
}

/** Something wrong in the configuration, and where. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0 when the file as a whole is meant. */
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key: `routes./realer.upstream`. */
  readonly path: string;
  /** What is wrong and what would be right, without any secret. */
  readonly message: string;
  /** The offending line as written, secrets included only as the placeholders that were written. */
  readonly source?: string | undefined;
  /** 1-based place in `source` that is meant; differs from `column` where something before it is masked. */
  readonly caret?: number | undefined;
  /** `warning` does not stop serving. */
  readonly level: 'error' | 'warning';
}
