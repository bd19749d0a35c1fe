/** A figure over the rounds of a run: the middle one, the smallest and the largest. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One contender in one scenario. What does not apply is absent: `direct` is no process of ours. */
export interface ContenderFigures {
  readonly contender: string;
  /** CPU time of the proxy and its children for one request, µs. */
  readonly cpuMicros?: Figure;
  /** That, divided by the yardstick's in the same round. */
  readonly ratio?: Figure;
  readonly perSecond: Figure;
  readonly p50Micros: Figure;
  readonly p99Micros: Figure;
  /** Right after the load. */
  readonly rssBytes?: Figure;
}

/** One kind of load, with everybody who took part. */
export interface ScenarioResult {
  /** Stable: the baseline and `--scenario` know it by this. */
  readonly name: string;
  /** For a heading: `1 KiB answers, 64 connections`. */
  readonly title: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Cheapest first. */
  readonly contenders: readonly ContenderFigures[];
  /** Who failed and was left out, and why; a line each. */
  readonly leftOut?: readonly string[];
}

/** A budget that we promise to keep, and what was measured. */
export interface Target {
  readonly name: string;
  /** `≤ 1.25 × bare` */
  readonly budget: string;
  readonly measured: string;
  readonly met: boolean;
}

/** How a cost grows with one quantity. */
export interface Growth {
  /** `routes`, `credentials`, `tenants`, `connections`, `body` */
  readonly name: string;
  /** For the axis: `routes configured`, `bytes of the body`. */
  readonly quantity: string;
  /** What `cost` is: `CPU µs a request`, `CPU ms a MiB`. */
  readonly unit: string;
  readonly points: readonly GrowthPoint[];
}

export interface GrowthPoint {
  readonly quantity: number;
  readonly cost: Figure;
  /** The cost, divided by that of the first point of the series. */
  readonly ratio: number;
  readonly rssBytes: number;
}

/** All that one run of the benchmark gives: `bench/results/bench.json`. A part that was not run is empty. */
export interface Results {
  /** `2 × Intel(R) Xeon(R)` */
  readonly machine: string;
  readonly node: string;
  /** `wrk` or `autocannon`. */
  readonly load: string;
  /** Versions of contenders that are no npm packages: `Envoy 1.40.0`. */
  readonly peers: readonly string[];
  readonly scenarios: readonly ScenarioResult[];
  readonly targets: readonly Target[];
  readonly growth: readonly Growth[];
}
