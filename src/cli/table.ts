interface Row {
  readonly cells: readonly string[];
  /** Lines below it. */
  readonly notes: readonly string[];
}

/** Lines of a table for a person. Columns in which no row has anything are left out. */
export function table(heads: readonly string[], rows: readonly Row[]): string[] {
  const used = heads.map((_, i) => i).filter((i) => i === 0 || rows.some(({ cells }) => cells[i] !== ''));
  const widths = used.map((i) =>
    Math.max(...[heads, ...rows.map((row) => row.cells)].map((cells) => (cells[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    used
      .map((i, n) => (cells[i] || '–').padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(heads),
    ...rows.flatMap(({ cells, notes }) => [line(cells), ...notes.map((note) => `    ${note}`)]),
  ];
}
