import { jsonSchema } from '../src/config/json-schema.ts';
import { renderPage } from './configuration-text.ts';

/* Prints docs/configuration.md, made of the schema of routes.yaml: `npm run docs`. */
process.stdout.write(renderPage(await jsonSchema()));
