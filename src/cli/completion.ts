import { suggestion } from '../config/suggest.ts';
import { CupbearerError } from '../errors.ts';
import type { Command } from './command.ts';

export const command: Command = {
  usage: 'completion bash|zsh|fish',
  summary: 'Prints a script that completes commands, options, credentials and routes in a shell.',
  details: `
  bash:  eval "$(cupbearer completion bash)"                in ~/.bashrc
  zsh:   eval "$(cupbearer completion zsh)"                 in ~/.zshrc, after compinit
  fish:  cupbearer completion fish | source                 in ~/.config/fish/config.fish

The script asks the program at each Tab, so that it never grows old. Of routes.yaml only names are read.`,
  options: {},
  positionals: 1,
  run({ positionals: [shell = ''], out }) {
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined)
      throw new CupbearerError(
        'usage',
        `there is no script for ${JSON.stringify(shell)}${suggestion(shell, Object.keys(scripts))}`,
      );
    out(script.trimStart());
    return 0;
  },
};

/** Each calls `cupbearer candidates WORDS…`: one candidate a line, `:files` where files are wanted. */
const scripts: Readonly<Record<string, string>> = {
  bash: `
# cupbearer completion for bash
_cupbearer() {
  local line words=()
  # Bash takes a colon and an equals sign for the end of a word.
  local cur=\${COMP_LINE:0:COMP_POINT}
  read -ra words <<<"$cur"
  [[ $cur == *[[:space:]] ]] && words+=('')
  COMPREPLY=()
  local last=\${words[\${#words[@]}-1]} typed=\${COMP_WORDS[COMP_CWORD]}
  local cut=$(( \${#last} - \${#typed} ))
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$typed")
    else
      COMPREPLY+=("\${line:cut}")
    fi
  done < <("\${words[0]}" candidates -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _cupbearer cupbearer
`,
  zsh: `
#compdef cupbearer
_cupbearer() {
  local -a found
  found=("\${(@f)$("\${words[1]}" candidates -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" == :files ]]; then
    _files
  elif [[ -n "\${found[1]}" ]]; then
    compadd -a found
  fi
}
compdef _cupbearer cupbearer
`,
  fish: `
# cupbearer completion for fish
function __cupbearer_candidates
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] candidates -- $words[2..-1] 2>/dev/null)
  if test "$found[1]" = :files
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c cupbearer -f -a '(__cupbearer_candidates)'
`,
};
