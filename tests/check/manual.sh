#!/usr/bin/env bash
# usage: manual.sh PROGRAM SOURCE_ROOT
# What the help of rosenpass or rp says, its man pages and the completions of three shells agree: each command, each
# option, each word of `exchange`, each key of the configuration stands everywhere, and nothing else does. rosenpass has
# pages and completions inside itself as they are in the tree. What can be looked at by mandoc, zsh and fish is.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

program=$(realpath "$1")
name=${program##*/}
source_root=$(realpath "$2")
man=$source_root/doc/man
completions=$source_root/completions
failed=0

case $name in
rosenpass) min_commands=10 min_options=20 min_keys=15 reader=rosenpass_config.c ;;
rp) min_commands=6 min_options=10 min_keys=12 reader=rp_config.c ;;
*)
	echo "manual.sh: nothing is known about a program $name" >&2
	exit 1
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
	echo "manual.sh: $*" >&2
	failed=1
}

# same NAME FILE: whether a list is the one of the help.
same()
{
	sort -u "$2" >"$2.sorted"
	diff help.sorted "$2.sorted" >difference && return 0
	fail "$1 differs from the help (< only in the help, > only there):"
	grep '^[<>]' difference >&2
}

# --- commands and options, a line "COMMAND OPTION" each; "-" stands for no command, -h and --help for themselves ------

"$program" help >help.txt
mapfile -t commands < <(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' help.txt)
[ "${#commands[@]}" -ge "$min_commands" ] || fail "the help lists ${#commands[@]} commands only"

# options_of NAME: reads a usage.
options_of()
{
	grep -E '^ +-' | grep -oE '^ +-[a-zA-Z](, --[a-z-]+)?|^ +--[a-z-]+' | grep -oE -- '--?[a-zA-Z][a-z-]*' |
		sed "s/^/$1 /" || true
}

{
	options_of - <help.txt
	for command in "${commands[@]}"; do
		echo "$command"
		"$program" help "$command" >"help-$command.txt" || fail "there is no help for $command"
		# Help is the same for all.
		options_of "$command" <"help-$command.txt" | grep -vE -- ' (-h|--help)$' || true
	done
} | sort -u >help.sorted
[ "$(grep -c -- ' -' help.sorted)" -ge "$min_options" ] || fail "the help has hardly any option"

# Lists of lists: commands are items of the first level in COMMANDS, their options further in.
awk '
	/^\.Sh / { section = $2; command = section == "OPTIONS" ? "-" : "" }
	/^\.Bl / { depth++ }
	/^\.El/ { depth-- }
	section != "OPTIONS" && section != "COMMANDS" { next }
	section == "COMMANDS" && depth == 1 && $1 == ".It" && $2 == "Ic" { command = $3; print command }
	$1 == ".It" {
		for (i = 2; i < NF; i++)
			if ($i == "Fl")
				print command " -" $(i + 1)
	}' "$man/$name.1" >man.list
same "$name.1" man.list

# shellcheck source=/dev/null
. "$completions/$name.bash"
list=_${name}_commands
for command in - ${!list}; do
	[ "$command" = - ] || echo "$command"
	for option in $("_${name}_options" "$command"); do
		echo "$command ${option%%=*}"
	done
done | grep -vE -- '^[a-z].* (-h|--help)$' >bash.list
same "$name.bash" bash.list

# zsh: options in the branch of each command, which ends in ";;"; those before a command in _NAME.
awk -v name="$name" '
	index($0, "_" name "()") == 1 { command = "-" }
	/^\}/ { command = "" }
	/^\t\([a-z-]+\)$/ { command = substr($1, 2, length($1) - 2) }
	/^\t\t;;/ { command = "" }
	/^\t\t\047[a-z-]+:/ { split($0, parts, "[\047:]"); print parts[2] }
	command != "" && /\[/ {
		text = $0
		sub(/\[.*/, "", text)
		# (exclusive ones) come first; what they are is said again.
		sub(/\([^)]*\)/, "", text)
		gsub(/[\047{},=]/, " ", text)
		count = split(text, words, " ")
		for (i = 1; i <= count; i++)
			if (words[i] ~ /^-/)
				print command " " words[i]
	}' <(sed "/^_${name}_grammar()/,/^}/d; /^_${name}_verbs()/,/^}/d" "$completions/$name.zsh") >zsh.list
same "$name.zsh" zsh.list

awk -v name="$name" '
	/^    echo [a-z-]+\\t/ && listing { split($2, parts, "\\"); print parts[1] }
	/^function / { listing = $2 == "__" name "_commands" }
	/^complete .* -n / {
		condition = $0
		sub(/.* -n /, "", condition)
		if (condition ~ /^\047/) {
			condition = substr(condition, 2)
			sub(/\047.*/, "", condition)
		} else {
			sub(/ .*/, "", condition)
		}
		sub(/;.*/, "", condition)
		sub("^__" name "_in ", "", condition)
		# Help is the same for all.
		if (condition == "__" name "_no_command" || condition ~ /^not /)
			condition = "-"
		count = split(condition, commands, " ")
		for (i = 1; i < NF; i++)
			for (c = 1; c <= count && $i != "-d"; c++) {
				if ($i == "-s")
					print commands[c] " -" $(i + 1)
				if ($i == "-l")
					print commands[c] " --" $(i + 1)
			}
	}' "$completions/$name.fish" >fish.list
same "$name.fish" fish.list
echo "$(grep -vc ' ' help.sorted) commands, $(grep -c ' ' help.sorted) options"

# --- the words of exchange, as its usage has them: after ":=", or at the beginning of lines -----------------------------

case $name in
rosenpass) sed -n '/:=/,/^$/p' help-exchange.txt | grep -oE '\b[a-z][a-z-]+\b' ;;
rp) sed -n 's/^  \([a-z][a-z-]*\)\( .*\|$\)/\1/p' help-exchange.txt ;;
esac | sort -u >help.sorted
[ "$(wc -l <help.sorted)" -ge 10 ] || fail "the usage of exchange has hardly any word"

awk '
	/^\.Bl / { depth++ }
	/^\.El/ { depth-- }
	depth == 1 && $1 == ".It" && $2 == "Ic" { inside = $3 == "exchange" }
	inside && $1 == ".It" && $2 == "Cm" { print $3 }
	inside && $1 == ".Cm" && $2 == "peer" { print $2 }' "$man/$name.1" >words-man.list
same "$name.1 (words of exchange)" words-man.list
case $name in
rosenpass)
	_rosenpass_grammar
	_rosenpass_grammar public-key x secret-key y peer
	_rosenpass_grammar public-key x secret-key y peer wireguard a b
	;;
rp)
	_rp_grammar x
	_rp_grammar x peer y
	;;
esac >words-bash.list
same "$name.bash (words of exchange)" words-bash.list
sed -n "/^_${name}_grammar()/,/^}/p" "$completions/$name.zsh" |
	grep -oE "'[a-z-]+:" | tr -d "':" >words-zsh.list
same "$name.zsh (words of exchange)" words-zsh.list
sed -n "/^function __${name}_\(own\|peer\|extra\)_words/,/^end/s/^    echo \([a-z-]*\)\\\\t.*/\1/p" \
	"$completions/$name.fish" >words-fish.list
same "$name.fish (words of exchange)" words-fish.list

# --- the keys of a configuration, as its reader has them in tables ------------------------------------------------------

sed -nE 's/^\t*\{ "([a-z_]*)", ("[a-z-]*"|NULL),.*/\1/p' "$source_root/src/config/$reader" | sort -u >help.sorted
[ "$(wc -l <help.sorted)" -ge "$min_keys" ] || fail "no table of keys found in src/config/$reader"
awk '
	/^\.It Va / { for (i = 2; i < NF; i++) if ($i == "Va") print $(i + 1) }
	/^\.Va (listen_path|listen_fd|stream_fd)/ { print $2 }' "$man/$name.toml.5" >keys.list
same "$name.toml.5 (< only in the reader)" keys.list

# --- inside the program -------------------------------------------------------------------------------------------------

check_inside()
{
	"$program" --generate-manpage "$work/new/pages" || fail "--generate-manpage failed"
	for page in rosenpass.1 rosenpass.toml.5 rosenpass-protocol.7; do
		cmp "$man/$page" "$work/new/pages/$page" || fail "the program's $page is another one"
		# A machine without man: the page comes as text that still says everything.
		PATH=/nonexistent "$program" man "${page%.?}" >text || fail "man ${page%.?} without man failed"
		! grep -nE '^\.|\\[a-z&(]' text | grep -vE '\\(e|n|t|r|u|x|\\|"|$)' || fail "macros are left in the text of $page"
		while IFS= read -r heading; do
			grep -qxF "$heading" text || fail "the text of $page has no heading $heading"
		done < <(sed -n 's/^\.Sh //p' "$man/$page")
	done
	PATH=/nonexistent "$program" man >text
	for command in "${commands[@]}"; do
		grep -qE "^ +$command( |$)" text || fail "the text of rosenpass.1 has no $command"
	done
	for shell in bash zsh fish; do
		"$program" --print-completions "$shell" | cmp - "$completions/rosenpass.$shell" ||
			fail "the program's completions for $shell are others"
	done

	# refused WORDS...: the program has to end with status 2 and something to read.
	refused()
	{
		local status=0

		"$program" "$@" >out 2>err || status=$?
		if [ "$status" -ne 2 ] || [ ! -s err ] || [ -s out ]; then
			fail "rosenpass $* ended with status $status: $(cat err)"
		fi
	}

	refused --print-completions elvish
	grep -q 'bash, zsh and fish' err || fail "no word about the shells that there are: $(cat err)"
	refused --print-completions powershell
	refused --print-completions ''
	refused man no-such-page
	refused man rosenpass rosenpass.toml
	echo text >file
	if "$program" --generate-manpage "$work/file" 2>err; then
		fail "--generate-manpage took a file for a folder"
	fi
	if "$program" --print-completions bash >/dev/full 2>err; then
		fail "--print-completions did not see that its output was lost"
	fi
}

[ "$name" != rosenpass ] || check_inside

# --- what completes -----------------------------------------------------------------------------------------------------

# completes EXPECTED WORD...: the last word is the one to be completed. EXPECTED is all that is offered.
completes()
{
	local expected=$1 got

	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	"_$name" || true
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')
	[ "$got" = "$expected" ] || fail "$* completes to \"$got\", not to \"$expected\""
}

check_rosenpass()
{
	completes 'exchange exchange-config' rosenpass ex
	completes 'gen-config gen-keys' rosenpass --log-level debug -v gen
	completes 'debug' rosenpass --log-level d
	completes 'debug' rosenpass --log-level = d
	completes 'bash fish zsh' rosenpass --print-completions ''
	completes '--public-key' rosenpass gen-keys --p
	completes 'own.pk own.sk' rosenpass gen-keys --public-key own
	completes 'own.pk own.sk' rosenpass gen-keys --public-key = own
	completes 'a folder/key one' rosenpass validate 'a folder/k'
	completes 'fwmark listen peer public-key secret-key verbose' rosenpass exchange ''
	completes 'own.pk own.sk' rosenpass exchange --name x public-key own
	completes 'fwmark listen peer verbose' rosenpass exchange --no-sandbox public-key x private-key y ''
	completes 'auto off' rosenpass exchange fwmark ''
	completes 'listen peer verbose' rosenpass exchange public-key x secret-key y fwmark 1 ''
	completes 'public-key' rosenpass exchange public-key x secret-key y peer pub
	completes 'outfile outfile-group outfile-mode' rosenpass exchange public-key x secret-key y peer public-key x outf
	completes 'outfile-group outfile-mode' rosenpass exchange public-key x secret-key y peer outfile z outf
	completes 'outfile outfile-group outfile-mode' rosenpass exchange public-key x secret-key y peer outfile z peer outf
	completes '' rosenpass exchange public-key x secret-key y peer endpoint o
	completes 'V02 V03' rosenpass exchange public-key x secret-key y peer protocol-version ''
	completes 'allowed-ips peer persistent-keepalive' \
		rosenpass exchange public-key x secret-key y peer endpoint a wireguard wg0 key endpoint b ''
	completes 'add' rosenpass peer a
	completes '--daemon' rosenpass peer add --d
	completes 'outfile outfile-group outfile-mode' rosenpass peer add --daemon x public-key y out
	completes '' rosenpass peer add public-key y pee
	completes 'rosenpass-protocol' rosenpass man rosenpass-
	completes 'gen-config gen-keys' rosenpass help gen
	# A daemon is known by its socket; ours, for /run may have others.
	if command -v python3 >/dev/null 2>&1; then
		mkdir -p "$work/runtime/rosenpass"
		python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
			"$work/runtime/rosenpass/test-daemon.sock"
		export XDG_RUNTIME_DIR=$work/runtime
		completes 'test-daemon' rosenpass status test-d
		completes 'test-daemon' rosenpass reload test-d
		completes 'test-daemon' rosenpass peer list test-d
		completes 'test-daemon' rosenpass peer remove --daemon test-d
	fi
}

check_rp()
{
	completes 'exchange exchange-config' rp ex
	completes 'genkey' rp verbose g
	completes '--adopt' rp exchange --a
	completes 'a folder' rp genkey a
	completes '' rp genkey x a
	completes 'a folder' rp pubkey x a
	completes 'own.pk own.sk' rp exchange-config --user nobody own
	completes 'a folder' rp exchange --adopt a
	completes 'dev fwmark ip listen mtu peer verbose' rp exchange --adopt x ''
	completes 'fwmark ip mtu peer verbose' rp exchange x dev y ip z listen 1 ''
	completes 'auto off' rp exchange x fwmark ''
	completes 'fwmark ip peer verbose' rp exchange x dev y mtu 1400 listen 1 ''
	completes '--replace-routes' rp exchange-config --r
	completes 'lo' rp exchange x dev lo
	completes 'a folder' rp exchange x peer a
	completes 'allowed-ips endpoint name peer persistent-keepalive protocol-version' rp exchange x peer peer ''
	completes 'allowed-ips' rp exchange x peer y endpoint z a
	completes '' rp exchange x peer y allowed-ips z a
	completes 'allowed-ips' rp exchange x peer y allowed-ips z peer w a
	completes '' rp exchange x peer y endpoint ''
	completes 'V02 V03' rp exchange x peer y protocol-version ''
	completes 'genkey' rp help g
}

mkdir -p complete "complete/a folder"
touch "complete/a folder/key one" complete/own.pk complete/own.sk complete/other
cd complete
case $name in
rosenpass) check_rosenpass ;;
rp) check_rp ;;
esac
cd ..

# --- what others say to it ------------------------------------------------------------------------------------------------

bash -n "$completions/$name.bash" || failed=1
for shell in zsh fish; do
	if command -v "$shell" >/dev/null 2>&1; then
		HOME=$work "$shell" -n "$completions/$name.$shell" || fail "$shell cannot read $name.$shell"
	else
		echo "$shell is not here: $name.$shell was only compared"
	fi
done
if command -v fish >/dev/null 2>&1; then
	# fish_completes EXPECTED LINE
	fish_completes()
	{
		local got

		got=$(HOME=$work fish --no-config -c "source '$completions/$name.fish'; complete -C '$2'" |
			cut -f 1 | sort | paste -sd ' ')
		[ "$got" = "$1" ] || fail "fish completes \"$2\" to \"$got\", not to \"$1\""
	}
	case $name in
	rosenpass)
		fish_completes 'exchange exchange-config' 'rosenpass -v ex'
		fish_completes 'fwmark listen peer public-key secret-key verbose' 'rosenpass exchange --name x '
		fish_completes 'V02 V03' 'rosenpass exchange public-key x secret-key y peer protocol-version '
		fish_completes 'allowed-ips peer persistent-keepalive' \
			'rosenpass exchange public-key x secret-key y peer endpoint a wireguard wg0 key endpoint b '
		fish_completes 'outfile outfile-group outfile-mode' 'rosenpass peer add --daemon x public-key y out'
		fish_completes 'add' 'rosenpass peer a'
		fish_completes '--public-key' 'rosenpass gen-keys --p'
		;;
	rp)
		mkdir -p fish/folder
		cd fish
		fish_completes 'exchange exchange-config' 'rp verbose ex'
		fish_completes 'folder/' 'rp exchange --user nobody fo'
		fish_completes 'dev fwmark ip listen mtu peer verbose' 'rp exchange --adopt x '
		fish_completes 'allowed-ips' 'rp exchange x listen 1 peer y endpoint z al'
		fish_completes 'V02 V03' 'rp exchange x peer y protocol-version '
		fish_completes 'folder/' 'rp pubkey x fo'
		cd ..
		;;
	esac
fi
if command -v mandoc >/dev/null 2>&1; then
	# Whether other pages are installed is of no importance.
	(mandoc -T lint -W style "$man/$name"*.[1-9] 2>&1 || true) |
		grep -vE 'referenced manual not found|outdated mandoc.db' >faults || true
	if [ -s faults ]; then
		cat faults >&2
		fail "mandoc finds faults in the pages"
	fi
else
	echo "mandoc is not here: the pages were not checked"
fi
exit "$failed"
