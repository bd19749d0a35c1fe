import { CupbearerError } from '../errors.ts';
import { codeOf, nameOf } from '../telemetry/error-facts.ts';

/** Why a start failed, in words for the operator. */
export function whyNot(error: unknown): string {
  if (error instanceof CupbearerError) return error.message;
  const { address, port } = error as { address?: string; port?: number };
  const code = codeOf(error);
  const where = port === undefined ? (address ?? 'its address') : `${address}:${port}`;
  if (code === 'EADDRINUSE') return `${where} is in use; stop what listens there or change server.listen`;
  if (code === 'EACCES')
    return `no permission to listen on ${where}; choose a port above 1023 or another path`;
  if (code === 'EADDRNOTAVAIL') return `${where} is no address of this machine; change server.listen`;
  return `cannot start: ${code ?? nameOf(error)}`;
}
