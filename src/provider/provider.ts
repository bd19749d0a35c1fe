import type { GrantType } from './grant-type.ts';

/** What a vendor's token endpoint expects and answers, as data. Keys are those of `providers:` in routes.yaml. */
export interface Provider {
  readonly name: string;
  /** Absolute URL; relative URLs of this provider and of routes are resolved under it. */
  readonly base_url?: string | undefined;
  /** The grants it takes, that of a credential without grant_type first; undefined: any. */
  readonly grant_types?: readonly GrantType[] | undefined;
  /** The request for a new token. */
  readonly token: TokenRequest;
  /** The request that spends a refresh token. */
  readonly refresh: TokenRequest;
  /** The request that spends an authorization code (RFC 6749 §4.1.3). */
  readonly exchange: TokenRequest;
  /** Where a token is revoked (RFC 7009). */
  readonly revoke?: TokenRequest | undefined;
  /** The request that prolongs a token without changing it: a sliding session. */
  readonly extend?: TokenRequest | undefined;
  /** Where a device asks for its codes (RFC 8628 §3.1). */
  readonly device_authorization?: TokenRequest | undefined;
  /** Where a person logs in (RFC 6749 §4.1.1). */
  readonly authorize?: Authorize | undefined;
  /** Claims of the assertions that are signed for it, before the credential's own; null leaves one out. */
  readonly assertion_claims: Claims;
  readonly response: ResponseShape;
  readonly attach: Attach;
  readonly refused: Refused;
}

/** RFC 7519 §4. */
export type Claims = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** Which of a provider's requests. */
export type RequestKind = 'token' | 'refresh' | 'exchange' | SideKind;
/** Requests that a provider may lack. */
export type SideKind = 'revoke' | 'extend' | 'device_authorization';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

type Encoding = 'form' | 'json' | 'query';
export type ClientAuth =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'none';
export type ExpiryFormat = 'seconds' | 'milliseconds' | 'epoch' | 'epoch_ms' | 'iso' | 'jwt';

export interface TokenRequest {
  /** Absolute, or relative to the provider's base_url; empty: nobody is asked. Path and query may hold {placeholders}. */
  readonly url: string;
  readonly method: 'POST' | 'GET' | 'PUT' | 'DELETE';
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

/** The authorization request (RFC 6749 §4.1.1, RFC 7636) and what its answer is called. */
export interface Authorize {
  /** Absolute, or relative to the provider's base_url; empty: not known. Its path and query may hold {placeholders}. */
  readonly url: string;
  readonly pkce: 'S256' | 'none';
  /** Added to or replacing the standard parameters; null removes one. Strings may hold {placeholders}. */
  readonly params: Readonly<Record<string, Json>>;
  /** Standard parameter name → the vendor's name. */
  readonly rename: Readonly<Record<string, string>>;
  /** What the answer calls the code. */
  readonly code_param: string;
  /** What `iss` of the answer must be (RFC 9207 §2.4); undefined: not checked. */
  readonly issuer?: string | undefined;
  /**
   * For vendors that want the request signed: HMAC with the client secret over the rendered `text`, base64, sent as
   * `param`; the text itself goes as `text_param`. {timestamp} is the time in ISO 8601.
   */
  readonly signature?:
    | {
        readonly param: string;
        readonly text_param: string;
        readonly text: string;
        readonly algorithm: 'HS256';
      }
    | undefined;
}

/** Single-use refresh tokens. */
export interface Rotation {
  /** Milliseconds for which a refresh token whose answer was lost may be sent again. */
  readonly grace: number;
  /** The provider takes it even later, as long as its successor was not used (FAPI 2.0). */
  readonly replay_after_grace: boolean;
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
  /** Path of the tenant in the answer of a login; empty: it does not say. */
  readonly tenant: string;
  /** Tried in order; the first that yields a lifetime counts. */
  readonly expires: readonly ExpiryRule[];
  /** Path of the seconds after which renewal should start. */
  readonly renew_after: string;
  /** Lifetime in ms when the answer gives none. */
  readonly default_lifetime: number;
  /** Vendor answers that mean a standard OAuth error code, tried in order on a refusal's raw body. */
  readonly errors: readonly { readonly match: string; readonly as: string }[];
  readonly rotation: Rotation;
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
  readonly grant_types?: readonly GrantType[] | undefined;
  readonly token?: Part<TokenRequest> | undefined;
  readonly refresh?: Part<TokenRequest> | undefined;
  readonly exchange?: Part<TokenRequest> | undefined;
  /** null takes back what an extended provider says. */
  readonly revoke?: Part<TokenRequest> | null | undefined;
  readonly extend?: Part<TokenRequest> | null | undefined;
  readonly device_authorization?: Part<TokenRequest> | null | undefined;
  readonly authorize?: Part<Authorize> | null | undefined;
  readonly assertion_claims?: Claims | undefined;
  readonly response?:
    | (Part<Omit<ResponseShape, 'expires' | 'rotation'>> & {
        readonly rotation?: Part<Rotation> | undefined;
        readonly expires?: ExpiryRule | readonly ExpiryRule[] | undefined;
      })
    | undefined;
  readonly attach?: Part<Attach> | undefined;
  readonly refused?: Part<Refused> | undefined;
}
