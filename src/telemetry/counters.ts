import {
  type CountedExchange,
  count,
  countsOf,
  emptyRow,
  type RouteCounts,
  type Row,
  requestsAt,
} from './route-counts.ts';

/** What one process counts of its exchanges. Its functions may be called without it. */
export interface Counters {
  /** Counts an exchange that is over, and took `ms` from its head to its end. */
  readonly record: (exchange: CountedExchange, ms: number) => void;
  /** What was counted since it was called before. */
  readonly take: () => CountsDelta;
  /** All that was counted since the start, taken or not. */
  readonly read: () => RouteCounts[];
  /** The routes are others from now on. What the others have counted stays. */
  readonly adopt: (prefixes: readonly string[]) => void;
}

/** What several processes have counted, together. Its functions may be called without it. */
export interface Totals {
  /** Adds what was counted elsewhere; to be called once with each. */
  readonly add: (delta: CountsDelta) => void;
  readonly read: () => RouteCounts[];
  /** As of Counters. */
  readonly adopt: (prefixes: readonly string[]) => void;
}

/** By how much counts have risen; plain JSON data that only a process of the same version understands. */
export interface CountsDelta {
  readonly rows: readonly RowDelta[];
}

interface RowDelta {
  /** Absent for what belongs to no route. */
  readonly route?: string;
  /** Place and increase by turns, for each number that has risen. */
  readonly increases: readonly number[];
}

/**
 * Counts exchanges by route. Both `read` tell of every one of `prefixes`, in this order, then of any other route with
 * requests, then of the requests that belong to none. What nobody calls takes no memory.
 */
export function createCounters(prefixes: readonly string[]): Counters {
  let routes = prefixes;
  const rows: Rows = new Map();
  const taken: Rows = new Map();
  // Exchanges that follow each other often have the same route.
  let lastRoute: string | undefined;
  let last = rowOf(undefined, rows);
  return {
    record(exchange, ms) {
      if (exchange.route !== lastRoute) {
        lastRoute = exchange.route;
        last = rows.get(lastRoute) ?? rowOf(lastRoute, rows);
      }
      count(last, exchange, ms);
    },
    take() {
      const changed: RowDelta[] = [];
      for (const [route, row] of rows) {
        const before = rowOf(route, taken);
        if (row[requestsAt] === before[requestsAt]) continue;
        changed.push({ ...(route === undefined ? {} : { route }), increases: increasesOf(row, before) });
        before.set(row);
      }
      return { rows: changed };
    },
    read: () => readRows(rows, routes),
    adopt(others) {
      routes = others;
    },
  };
}

/** Sums what processes that serve the same routes have counted. */
export function createTotals(prefixes: readonly string[]): Totals {
  let routes = prefixes;
  const rows: Rows = new Map();
  return {
    add(delta) {
      for (const { route, increases } of delta.rows) {
        const row = rowOf(route, rows);
        for (let i = 0; i < increases.length; i += 2) {
          (row[increases[i] as number] as number) += increases[i + 1] as number;
        }
      }
    },
    read: () => readRows(rows, routes),
    adopt(others) {
      routes = others;
    },
  };
}

type Rows = Map<string | undefined, Row>;

/** The row of a route, made when it is asked for first. */
function rowOf(route: string | undefined, rows: Rows): Row {
  let row = rows.get(route);
  if (row === undefined) {
    row = emptyRow();
    rows.set(route, row);
  }
  return row;
}

function readRows(rows: Rows, prefixes: readonly string[]): RouteCounts[] {
  const routes = new Set<string | undefined>([...prefixes, ...rows.keys()]);
  routes.delete(undefined);
  // Of thousands of routes, few may have been called.
  const nothing = countsOf(undefined, emptyRow());
  return [...routes, undefined].map((route) => {
    const row = rows.get(route);
    return row === undefined ? { ...nothing, route } : countsOf(route, row);
  });
}

function increasesOf(row: Row, before: Row): number[] {
  const increases: number[] = [];
  for (let place = 0; place < row.length; place++) {
    const increase = (row[place] as number) - (before[place] as number);
    if (increase > 0) increases.push(place, increase);
  }
  return increases;
}
