/** What a vendor's token endpoint expects and answers, as data. Keys are those of `providers:` in routes.yaml. */
export interface Provider {
  readonly name: string;
  /** Absolute URL; relative URLs of this provider and of routes are resolved under it. */
  readonly base_url?: string | undefined;
  /** The request for a new token. */
  readonly token: TokenRequest;
  /** The request that spends a refresh token. */
  readonly refresh: TokenRequest;
  readonly response: ResponseShape;
  readonly attach: Attach;
  readonly refused: Refused;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

type Encoding = 'form' | 'json' | 'query';
type ClientAuth = 'client_secret_basic' | 'client_secret_post' | 'none';
export type ExpiryFormat = 'seconds' | 'milliseconds' | 'epoch' | 'epoch_ms' | 'iso' | 'jwt';

export interface TokenRequest {
  /** Absolute, or relative to the provider's base_url. */
  readonly url: string;
  readonly method: 'POST' | 'GET' | 'PUT';
  readonly encoding: Encoding;
  /** Media type of the body; undefined follows the encoding. */
  readonly content_type?: string | undefined;
  readonly client_auth: ClientAuth;
  /** rfc6749: id and secret are form-urlencoded before base64 (RFC 6749 §2.3.1); raw: as they are. */
  readonly basic_encoding: 'rfc6749' | 'raw';
  /** Added to or replacing the standard parameters; null removes one. Strings may hold {placeholders}. */
  readonly params: Readonly<Record<string, Json>>;
  /** Standard parameter name → the vendor's name. */
  readonly rename: Readonly<Record<string, string>>;
  /** Further request fields; values may hold {placeholders}. null removes one. */
  readonly headers: Readonly<Record<string, string | null>>;
}

export interface ExpiryRule {
  /** Dotted path into the JSON answer; for `jwt` the path of the token itself. */
  readonly path: string;
  readonly as: ExpiryFormat;
}

export interface ResponseShape {
  /** Dotted paths into the JSON answer. */
  readonly access_token: string;
  readonly refresh_token: string;
  /** Tried in order; the first that yields a lifetime counts. */
  readonly expires: readonly ExpiryRule[];
  /** Path of the seconds after which renewal should start. */
  readonly renew_after: string;
  /** Lifetime in ms when the answer gives none. */
  readonly default_lifetime: number;
  /** Vendor answers that mean a standard OAuth error code, tried in order on a refusal's raw body. */
  readonly errors: readonly { readonly match: string; readonly as: string }[];
}

interface Attach {
  readonly header: string;
  /** Template over the top-level fields of the token answer: `Bearer {access_token}`. */
  readonly value: string;
  /** Further fixed fields sent with every proxied request. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Refused {
  /** Upstream statuses that mean "this token was refused". */
  readonly status: readonly number[];
  /** When given, the body must match too (regular expression, first 64 KiB). */
  readonly body?: string | undefined;
}

/** Any part of T; undefined means the same as absent: not said here. */
export type Part<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** A provider as written down: everything optional, relative to what it extends. */
export interface ProviderSpec {
  readonly extends?: string | undefined;
  readonly base_url?: string | undefined;
  readonly token?: Part<TokenRequest> | undefined;
  readonly refresh?: Part<TokenRequest> | undefined;
  readonly response?:
    | (Part<Omit<ResponseShape, 'expires'>> & {
        readonly expires?: ExpiryRule | readonly ExpiryRule[] | undefined;
      })
    | undefined;
  readonly attach?: Part<Attach> | undefined;
  readonly refused?: Part<Refused> | undefined;
}
