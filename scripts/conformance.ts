import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CaseTest, countGroups, table } from './conformance-table.ts';

/*
 * Counts the conformance suite by group and says which cases have no test:
 *   node scripts/conformance.ts               runs the suite first
 *   node scripts/conformance.ts RESULTS.json  reads what `vitest --reporter=json` wrote
 */

interface VitestResults {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

function run(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-conformance-'));
  const file = join(directory, 'results.json');
  try {
    const args = ['run', 'test/conformance', 'test/behaviour', '--reporter=json', `--outputFile=${file}`];
    spawnSync('vitest', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const given = process.argv[2];
const results = JSON.parse(given === undefined ? run() : readFileSync(given, 'utf8')) as VitestResults;
// Tests of other rooms name rules of other lists.
const suites = results.testResults.filter(({ name }) => /\/test\/(?:conformance|behaviour)\//.test(name));
const tests: CaseTest[] = suites.flatMap(({ assertionResults }) =>
  assertionResults.map(({ ancestorTitles, title, status }) => ({
    suite: ancestorTitles[0] ?? '',
    title,
    passed: status === 'passed',
  })),
);
const groups = countGroups(tests);
process.stdout.write(table(groups));
process.exitCode = groups.some(({ failed, missing }) => failed > 0 || missing.length > 0) ? 1 : 0;
