import { tokenPath } from './setting.ts';

/** Where a contender is to listen, whom to ask, and a directory of its own. */
export interface Place {
  readonly port: number;
  readonly upstreamPort: number;
  readonly directory: string;
  /** Where the token endpoint listens; that of the upstream unless given. */
  readonly tokenPort?: number;
  /** PEM file of the authority to trust. When given, upstream and token endpoint speak TLS and are called `localhost`. */
  readonly ca?: string | undefined;
  /** Whether Cupbearer runs from `src/`, which needs no build, instead of `dist/`. */
  readonly source?: boolean;
}

/** Name that the upstream's certificate is made for. */
export const upstreamName = 'localhost';

/** Origin of the upstream. */
export function originOf({ upstreamPort, ca }: Place): string {
  return origin(upstreamPort, ca);
}

/** Address of the token endpoint. */
export function tokenUrlOf({ tokenPort, upstreamPort, ca }: Place): string {
  return `${origin(tokenPort ?? upstreamPort, ca)}${tokenPath}`;
}

function origin(port: number, ca: string | undefined): string {
  return ca === undefined ? `http://127.0.0.1:${port}` : `https://${upstreamName}:${port}`;
}
