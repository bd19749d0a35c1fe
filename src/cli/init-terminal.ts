import { createInterface } from 'node:readline';
import type { Choose } from './init-question.ts';

/** A person at a terminal. */
export interface Conversation {
  readonly choose: Choose;
  end(): void;
}

/** The person ended the conversation: Ctrl+C or Ctrl+D. */
export class LeftEarly extends Error {}

/**
 * Asks on a terminal, again until the answer will do; Enter takes what is suggested. `choose` throws LeftEarly.
 */
export function converse(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Conversation {
  const lines = createInterface({ input, output, terminal: true, historySize: 0 });
  const answers = lines[Symbol.asyncIterator]();
  return {
    async choose({ text, suggested, fault }) {
      for (;;) {
        lines.setPrompt(`${text} [${suggested}]: `);
        lines.prompt();
        const { value, done } = await answers.next();
        if (done) throw new LeftEarly();
        const answer = value.trim() || suggested;
        const why = answer === suggested ? undefined : fault?.(answer);
        if (why === undefined) return answer;
        output.write(`  ${why}\n`);
      }
    },
    end: () => lines.close(),
  };
}
