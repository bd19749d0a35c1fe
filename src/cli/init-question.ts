/** Something to ask a person. */
export interface Question {
  readonly text: string;
  /** The answer of who just presses Enter, and of who is not there. */
  readonly suggested: string;
  /** Why an answer will not do; never shows the answer. */
  readonly fault?: (answer: string) => string | undefined;
}

/** Gets an answer that will do. */
export type Choose = (question: Question) => Promise<string>;
