/** How the targets and the growth are measured. */
export interface Options {
  /** Kills every process that is left. */
  readonly signal: AbortSignal;
  /** Exists; configurations and logs go there. */
  readonly directory: string;
  readonly progress: (line: string) => void;
  /** Shorter and with fewer points: shows that everything works, not what it costs. */
  readonly quick: boolean;
  /** Measures `src/`, which needs no build, instead of `dist/`. */
  readonly source: boolean;
}
