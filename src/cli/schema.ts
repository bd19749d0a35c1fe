import type { Command, ExitCode } from './command.ts';

export const command: Command = {
  usage: 'schema',
  summary: 'Prints the JSON Schema (draft-07) of routes.yaml, for editors.',
  details: `
Save it beside routes.yaml and begin that file with
  # yaml-language-server: $schema=./routes.schema.json`,
  options: {},
  positionals: 0,
  async run({ out }): Promise<ExitCode> {
    const { jsonSchema } = await import('../config/json-schema.ts');
    out(`${JSON.stringify(await jsonSchema(), null, 2)}\n`);
    return 0;
  },
};
