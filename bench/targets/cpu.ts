import type { ContenderFigures, ScenarioResult, Target } from '../results.ts';

const scenario = '1KiB-64';
const own = 'cupbearer';
const yardstick = 'bare node:http + undici';
const mostTimesBare = 1.25;
/** Other proxies on Node, and Caddy. */
const others = ['fast-proxy', '@fastify/reply-from', 'http-proxy-3', 'httpxy', 'hono/proxy', 'Caddy'];

/** The budgets for CPU time, read from the scenarios; none when the scenario or Cupbearer was left out. */
export function cpuTargets(scenarios: readonly ScenarioResult[]): Target[] {
  const found = scenarios.find(({ name }) => name === scenario);
  const ratio = found && ratioOf(found.contenders, own);
  if (found === undefined || ratio === undefined) return [];
  const targets: Target[] = [
    {
      name: 'CPU per request',
      budget: `≤ ${mostTimesBare} × ${yardstick}`,
      measured: `${ratio.toFixed(2)} × (${found.title})`,
      met: ratio <= mostTimesBare,
    },
  ];
  const rivals = others.flatMap((name) => {
    const theirs = ratioOf(found.contenders, name);
    return theirs === undefined ? [] : [{ name, theirs }];
  });
  if (rivals.length > 0) {
    const listed = rivals.map(({ name, theirs }) => `${name} ${theirs.toFixed(2)}`).join(', ');
    targets.push({
      name: 'below every other Node proxy and Caddy',
      budget: 'less CPU per request than each of them',
      measured: `${ratio.toFixed(2)} × bare; ${listed}`,
      met: rivals.every(({ theirs }) => ratio < theirs),
    });
  }
  return targets;
}

function ratioOf(contenders: readonly ContenderFigures[], name: string): number | undefined {
  return contenders.find(({ contender }) => contender === name)?.ratio?.median;
}
