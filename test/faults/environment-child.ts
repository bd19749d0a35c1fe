// Loaded before the program itself: writes the names of the environment's variables on a signal.

process.on('SIGWINCH', () => {
  process.stderr.write(`environment: ${Object.keys(process.env).join(' ')}\n`);
});
