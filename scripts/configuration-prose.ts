/** What the page says that no schema does. */
export const introduction = `
# Configuration

<!-- Made by \`npm run docs\` from src/config/schema*.ts and src/config/examples*.ts. -->

One file, \`routes.yaml\`, says everything. Only \`credentials\` and \`routes\` are needed:

\`\`\`yaml
credentials:
  realer: { provider: realer, client_id: "\${REALER_CLIENT_ID}", client_secret: "\${file:/run/secrets/realer}" }
routes:
  /realer: { credential: realer }
\`\`\`

\`cupbearer init\` writes a first one, \`cupbearer check\` tells everything that is wrong, each with its line, column and what would
be right. An unknown key is an error, never ignored. The file is looked for as \`--config FILE\`, \`$CUPBEARER_CONFIG\`, then \`routes.yaml\` in the
working directory.

Sections: [server](#server) · [callers](#callers) · [store](#store) · [providers](#providers) · [credentials](#credentials) · [routes](#routes)

## Placeholders

| written | gives |
|---|---|
| \`\${NAME}\`, \`\${env:NAME}\` | the environment variable; unset is an error that names it |
| \`\${NAME:-text}\` | the variable, or the text when it is unset or empty; the text may hold placeholders |
| \`\${file:/run/secrets/name}\` | what is in the file, without one trailing newline; a relative path begins at the directory of \`routes.yaml\` |
| \`$\${\` | a literal \`\${\` |

They may stand in any value, alone or within a text, also where a number, \`true\` or a duration is wanted; not in keys. What they give is
not looked at again. Inside \`{ }\` and \`[ ]\` YAML wants quotes around them. Secrets belong in placeholders; a file is read again when it changes.

## Durations and sizes

A duration is a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`: \`500ms\`, \`30s\`, \`1.5h\`. A size is a number and \`B\`, \`KiB\`, \`MiB\` or \`GiB\`:
\`64KiB\`. Neither is ever a bare number.

## Changes while it runs

A running \`serve\` looks at \`routes.yaml\` every second and takes it up once it has been the same for two looks; on SIGHUP at once, with every secret and
certificate read again. \`serve --no-watch\` leaves it at SIGHUP. The file takes the place of the one before as a whole or not at all:

- Exchanges in progress end by the configuration they began with: its upstream, its credential, its limits. Connections and WebSockets stay open.
- A credential that says the same, from the same provider, keeps its token and its tenants. Any other starts anew; its session, if it has one, goes on.
- A file that is not valid, that is a pipe or larger than 4 MiB, or that names a file which is not there, changes nothing. The log, the status page,
  \`cupbearer status\` and a metric say why, and it is tried again after 15 seconds, then less often: the missing file may have come.
- \`server.listen\`, \`server.admin\`, \`server.workers\`, \`store\`, and whether there is \`server.tls\` or \`client_ca\`, need a restart; a file with other ones is refused.
  Texts of secrets under \`store\` are read at the start alone.

## Editors

\`routes.schema.json\` (also: \`cupbearer schema\`) brings completion, these descriptions and errors into editors that have a YAML language server.
Either the file names it in its first line:

\`\`\`yaml
# yaml-language-server: $schema=./routes.schema.json
\`\`\`

or the settings of VS Code with its YAML extension do:

\`\`\`json
{ "yaml.schemas": { "./routes.schema.json": ["routes.yaml", "**/cupbearer/*.yaml"] } }
\`\`\`
`;

/** The sections of the file in the order of the page; \`entry\` stands for the name of an entry. */
export const sections: readonly { readonly name: string; readonly entries?: true; readonly text: string }[] =
  [
    {
      name: 'server',
      text: 'Where it listens, and its bounds. They are those of the whole program, with `workers` too.',
    },
    {
      name: 'callers',
      entries: true,
      text: 'Who may call: a name for each, and its keys. Without this section everybody who reaches the listener may, and it listens on loopback alone.',
    },
    {
      name: 'store',
      text: 'Where sessions live: the refresh tokens of `authorization_code`, `refresh_token` and device codes. See [sessions](sessions.md).',
    },
    {
      name: 'providers',
      entries: true,
      text: 'How to talk to a vendor that has no preset, or what to change of one that has. Everything is laid over what it extends. `{client_id}`, `{tenant}` and the like, with single braces, are put in when a request is made.',
    },
    {
      name: 'credentials',
      entries: true,
      text: 'Who we are at a provider, under a name of your choice. Each gets and keeps tokens of its own.',
    },
    {
      name: 'routes',
      entries: true,
      text: 'Which path prefix goes where, with whose token. The longest prefix wins, at a segment boundary.',
    },
  ];
