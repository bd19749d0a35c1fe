// Checks the rooms of src/: who imports whom, no cycles, no banned names, no long files. Exit code 1 when a rule is broken.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { longFiles, violations, warnLines } from './import-rules.ts';
import { readSource } from './source-file.ts';

const src = join(import.meta.dirname, '../src');
const files = globSync('**/*.ts', { cwd: src, exclude: ['**/*.d.ts'] })
  .map((path) => path.replaceAll('\\', '/'))
  .sort()
  .map((path) => readSource(path, readFileSync(join(src, path), 'utf8')));
const broken = violations(files);
for (const { path, line, message } of broken) console.error(`src/${path}:${line}: ${message}`);
for (const { path, lines } of longFiles(files))
  console.warn(`src/${path}: ${lines} lines, better at most ${warnLines}`);
const imports = files.reduce((sum, file) => sum + file.imports.length, 0);
console.log(`${files.length} files, ${imports} imports, ${broken.length} rules broken`);
if (broken.length > 0) process.exitCode = 1;
