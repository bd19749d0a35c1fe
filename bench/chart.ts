/** The two charts of a run, as SVG for an `<img>`. */
export { growthChart } from './chart/growth.ts';
export { scenarioChart } from './chart/scenarios.ts';
