import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CupbearerError } from '../errors.ts';
import { Agent } from '../undici.ts';

/** Paths of PEM files: whom to trust, and our own certificate with its key (RFC 8705 §2). */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

interface Made {
  readonly pem: string;
  readonly agent: Agent;
}

/** One agent for each set of TLS files, made anew when a file has changed. */
export class TlsAgents {
  readonly #options: Agent.Options;
  readonly #plain: Agent;
  readonly #made = new Map<string, Made>();

  constructor(options: Agent.Options) {
    this.#options = options;
    this.#plain = new Agent(options);
  }

  /**
   * The agent for these files as they are now; the one before while they make no TLS identity, as happens when one of a
   * pair is written before the other. Rejects with `configuration-invalid` when there is none before.
   */
  async get(files: TlsFiles = {}): Promise<Agent> {
    const given = (['ca', 'cert', 'key'] as const).filter((name) => files[name] !== undefined);
    if (given.length === 0) return this.#plain;
    const id = JSON.stringify([files.ca, files.cert, files.key]);
    try {
      const texts = given.map(async (name) => [name, await readFile(files[name] as string, 'utf8')] as const);
      return this.#agent(id, Object.fromEntries(await Promise.all(texts)));
    } catch (error) {
      const before = this.#made.get(id);
      if (before !== undefined) return before.agent;
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'not PEM';
      const names = given.map((name) => `tls.${name}`).join(', ');
      throw new CupbearerError('configuration-invalid', `${names}: these files cannot be used (${code})`);
    }
  }

  /** Ends every connection; requests in progress fail. */
  async destroy(): Promise<void> {
    const all = [this.#plain, ...[...this.#made.values()].map(({ agent }) => agent)];
    this.#made.clear();
    await Promise.all(all.map((agent) => agent.destroy()));
  }

  /** Synchronous, so that of two requests after a change the second finds what the first made. */
  #agent(id: string, texts: TlsFiles): Agent {
    const pem = JSON.stringify(texts);
    const before = this.#made.get(id);
    if (before?.pem === pem) return before.agent;
    createSecureContext(texts);
    const { connect } = this.#options;
    const agent = new Agent({ ...this.#options, connect: { ...connect, ...texts } });
    this.#made.set(id, { pem, agent });
    // Its requests in progress end first.
    void before?.agent.close();
    return agent;
  }
}
