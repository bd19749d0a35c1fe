import { fork } from 'node:child_process';

/** A process of the benchmark that answers one question after the other. */
export interface Answerer<Question, Answer> {
  /** Rejects when the process ends before it has answered. */
  ask(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts the module `file` with one argument. `signal` kills the process. */
export function startAnswerer<Question extends object, Answer>(
  file: string,
  argument: object,
  signal: AbortSignal,
): Answerer<Question, Answer> {
  const child = fork(file, [JSON.stringify(argument)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
  });
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  let ended: Error | undefined;
  const end = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.on('message', (answer) => waiting.shift()?.resolve(answer as Answer));
  child.on('error', end);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, by) => {
      end(new Error(`${file} ended: ${code ?? by}`));
      resolve();
    });
  });
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        waiting.push({ resolve, reject });
        child.send(question);
      }),
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** In such a process: answers each question with what `answer` gives, and ends with the process that asks. */
export function answerEach<Question, Answer extends object>(
  answer: (question: Question) => Answer | Promise<Answer>,
): void {
  let last = Promise.resolve();
  process.on('message', (question) => {
    last = last.then(async () => {
      const given = await answer(question as Question);
      if (process.connected) process.send?.(given);
    });
  });
  process.once('disconnect', () => process.exit());
}

/** In such a process: the argument it was started with. */
export function argument<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}');
}
