// Loaded before the program itself: throws on a signal what THROWN names, with SECRET in every part of it.

const secret = process.env.SECRET ?? '';
const kind = process.env.THROWN ?? '';
delete process.env.SECRET;

function leaking(message: string, more: object = {}): Error {
  return Object.assign(new Error(`${message} ${secret}\n    at ${secret} (/src/${secret}.ts:1:1)`), {
    headers: { authorization: `Bearer ${secret}` },
    body: Buffer.from(secret),
    [secret]: secret,
    ...more,
  });
}

const made: Readonly<Record<string, () => unknown>> = {
  error: () => leaking('plain', { code: secret, name: secret }),
  nested: () =>
    Object.assign(
      new TypeError(secret, { cause: leaking('reset', { code: 'ECONNRESET', cause: leaking('deeper') }) }),
      { code: 'ERR_INVALID_ARG_TYPE' },
    ),
  aggregate: () => new AggregateError([leaking('one'), secret, new AggregateError([leaking('two')])], secret),
  undici: () =>
    leaking('response', { code: 'UND_ERR_RESPONSE', statusCode: 401, options: { headers: [secret] } }),
  text: () => secret,
  object: () => ({
    [secret]: secret,
    message: secret,
    stack: `    at ${secret} (/src/${secret}.ts:1:1)`,
    code: secret,
  }),
  rejection: () => leaking('rejected'),
  hostile: () =>
    new Proxy(leaking('proxy'), {
      get() {
        throw leaking('thrown by a getter');
      },
    }),
};

process.on('SIGWINCH', () => {
  const error = made[kind]?.();
  if (kind === 'rejection') void Promise.reject(error);
  else
    setImmediate(() => {
      throw error;
    });
});
