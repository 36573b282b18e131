package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// shells are those that there are completions for.
var shells = []string{"bash", "zsh", "fish"}

// completion writes a script that completes commands, flags, operations (which
// it asks the acceptor for) and files.
func (p *program) completion(_ context.Context, args []string) error {
	switch args[0] {
	case "bash":
		return completeBash(p.stdout)
	case "zsh":
		return completeZsh(p.stdout)
	case "fish":
		return completeFish(p.stdout)
	}
	return usage(fmt.Errorf("there are completions for %s, not for %q", strings.Join(shells, ", "), args[0]))
}

// flagInfo is what a completion says of a flag.
type flagInfo struct {
	name, does string
	value      string // what it takes, or ""
}

func (c *command) flagInfos() []flagInfo {
	var all []flagInfo
	c.flagSet(&options{}).VisitAll(func(f *flag.Flag) {
		value, does := flag.UnquoteUsage(f)
		all = append(all, flagInfo{f.Name, does, value})
	})
	return all
}

// names gives the words that begin flags.
func (c *command) names() string {
	var names []string
	for _, f := range c.flagInfos() {
		names = append(names, "--"+f.name)
	}
	return strings.Join(names, " ")
}

// valued gives the flags that something must follow, but no file, as patterns of
// what bash has between commas.
func valued() string {
	var names []string
	for _, c := range commands() {
		for _, f := range c.flagInfos() {
			if name := "*,--" + f.name + ",*"; f.value != "" && f.name != "out" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, "|")
}

func commandNames() string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return strings.Join(names, " ")
}

func completeBash(w io.Writer) error {
	var flags strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&flags, "\t\t%s) words='%s' ;;\n", c.name, c.names())
	}
	_, err := fmt.Fprintf(w, `# bash completion: source <(asyncreply completion bash)
_asyncreply() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
	COMPREPLY=()
	case $COMP_CWORD,$prev,$cur in
	1,*) COMPREPLY=($(compgen -W '%s' -- "$cur")); return ;;
	*,--out,*) compopt -o default 2>/dev/null; return ;;
	%s) return ;;
	*,-*) case $command in
%s		esac
		[[ $cur == -* ]] && { COMPREPLY=($(compgen -W "$words" -- "$cur")); return; } ;;
	esac
	case $command in
	completion) COMPREPLY=($(compgen -W '%s' -- "$cur")) ;;
	submit)
		if [[ $COMP_CWORD -eq 2 ]]; then
			COMPREPLY=($(compgen -W "$(asyncreply operations --retry-for=-1s 2>/dev/null | cut -f1)" -- "$cur"))
		else
			compopt -o default 2>/dev/null
		fi ;;
	esac
}
complete -F _asyncreply asyncreply
`, commandNames(), valued(), flags.String(), strings.Join(shells, " "))
	return err
}

func completeZsh(w io.Writer) error {
	var list, flags strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&list, "\t\t%s\n", quote(c.name+":"+c.does))
		fmt.Fprintf(&flags, "\t%s) flags=(\n", c.name)
		for _, f := range c.flagInfos() {
			fmt.Fprintf(&flags, "\t\t%s\n", quote(zshFlag(f)))
		}
		fmt.Fprint(&flags, "\t\t) ;;\n")
	}
	_, err := fmt.Fprintf(w, `#compdef asyncreply
# zsh completion: asyncreply completion zsh > "${fpath[1]}/_asyncreply"
_asyncreply_operations() {
	local -a operations=(${(f)"$(asyncreply operations --retry-for=-1s 2>/dev/null | sed 's/:/\\:/g; s/\t/:/')"})
	_describe operation operations
}
_asyncreply() {
	local -a list=(
%s	) flags
	if (( CURRENT == 2 )); then
		_describe command list
		return
	fi
	local command=$words[2]
	case $command in
%s	esac
	case $command in
	submit) flags+=('1:operation:_asyncreply_operations' '2:file:_files') ;;
	completion) flags+=('1:shell:(%s)') ;;
	esac
	shift words
	(( CURRENT-- ))
	_arguments -S $flags
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _asyncreply "$@"; else compdef _asyncreply asyncreply; fi
`, list.String(), flags.String(), strings.Join(shells, " "))
	return err
}

// zshFlag gives a flag as _arguments wants it.
func zshFlag(f flagInfo) string {
	spec := "--" + f.name
	if f.name == "param" {
		spec = "*" + spec
	}
	if f.value != "" {
		spec += "="
	}
	spec += "[" + strings.NewReplacer("[", "(", "]", ")", ":", `\:`).Replace(f.does) + "]"
	switch {
	case f.name == "out":
		spec += ":file:_files"
	case f.value != "":
		spec += ":" + f.value + ": "
	}
	return spec
}

func completeFish(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# fish completion: asyncreply completion fish > ~/.config/fish/completions/asyncreply.fish
function __asyncreply_operations
	asyncreply operations --retry-for=-1s 2>/dev/null
end
complete -c asyncreply -f
`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c asyncreply -n __fish_use_subcommand -a %s -d %s\n", c.name, quote(c.does))
		for _, f := range c.flagInfos() {
			takes := ""
			switch {
			case f.name == "out":
				takes = " -r -F"
			case f.value != "":
				takes = " -x"
			}
			fmt.Fprintf(&b, "complete -c asyncreply -n '__fish_seen_subcommand_from %s' -l %s%s -d %s\n", c.name, f.name, takes, quote(f.does))
		}
	}
	fmt.Fprintf(&b, `complete -c asyncreply -n '__fish_seen_subcommand_from submit; and test (count (commandline -opc)) -gt 2' -F
complete -c asyncreply -n '__fish_seen_subcommand_from submit; and test (count (commandline -opc)) -eq 2' -a '(__asyncreply_operations)'
complete -c asyncreply -n '__fish_seen_subcommand_from completion' -a '%s'
`, strings.Join(shells, " "))
	_, err := io.WriteString(w, b.String())
	return err
}

// quote makes one word of text for any of the shells.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "’") + "'" }
