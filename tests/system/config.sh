#!/usr/bin/env bash
# usage: config.sh ROSENPASS
# The commands around a configuration: gen-config writes one that is accepted, gen-keys makes the keys that a file names,
# keygen still does what it did. Then wrong input: the exit status, one line that names what is wrong, and not
# a file more, less or different. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -uo pipefail
export LC_ALL=C
unset RUST_LOG
umask 022

rosenpass=$(realpath "$1")
samples=$root/tests/data/config
passed=0
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$work/folder" "$work/home" && cd "$work/folder" || exit 1
export HOME=$work/home

check()
{
	local words=$1

	shift
	if "$@"; then
		echo "PASS  $words"
		passed=$((passed + 1))
	else
		echo "FAIL  $words"
		cat "$work/out" "$work/err"
		failed=$((failed + 1))
	fi
}

# run WORD...: the program; its words are in out and err, its exit status in $status.
run()
{
	timeout 60 "$rosenpass" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# Whether the last run ended well: with no word, or with these warnings.
went_well()
{
	local pattern=${1-}

	[ "$status" -eq 0 ] && [ ! -s "$work/out" ] || return 1
	if [ -z "$pattern" ]; then
		[ ! -s "$work/err" ]
	else
		[ "$(wc -l <"$work/err")" -eq 1 ] && grep -qE "^rosenpass: warn: .*$pattern" "$work/err"
	fi
}

# is_pair PUBLIC SECRET: a key pair with the modes that it should have.
is_pair()
{
	[ "$(stat -c '%s %a' "$1")" = '524160 644' ] && [ "$(stat -c '%s %a' "$2")" = '13608 600' ]
}

state()
{
	find . ! -type d -printf '%p %y %m %T@ %l\n' -o -printf '%p %y %m\n' | sort
	find . -type f -exec sha256sum {} + 2>/dev/null | sort
}

# refused WORDS STATUS PATTERN WORD...: the program says no, in one line, and changes nothing.
refused()
{
	local words=$1 expected=$2 pattern=$3 before problem=

	shift 3
	before=$(state)
	run "$@"
	[ "$status" -eq "$expected" ] || problem="status $status, not $expected"
	[ "$(wc -l <"$work/err")" -eq 1 ] || problem="$problem; not one line"
	grep -q '^rosenpass: error: ' "$work/err" || problem="$problem; not an error"
	grep -qE -- "$pattern" "$work/err" || problem="$problem; no \"$pattern\""
	[ ! -s "$work/out" ] || problem="$problem; standard output"
	[ "$(state)" = "$before" ] || problem="$problem; files changed"
	check "$words${problem:+: ${problem#; }}" [ -z "$problem" ]
}

# --- gen-config ------------------------------------------------------------------------------------------------------

run gen-config new.toml
check "gen-config writes a file" went_well
check "of the usual mode" [ "$(stat -c %a new.toml)" = 644 ]
for key in public_key secret_key listen verbosity user name endpoint pre_shared_key key_out device peer extra_params \
	exchange_command key_out_mode key_out_group protocol_version osk_organization osk_label; do
	check "with the key $key" grep -qE "^#?$key = " new.toml
done
before=$(sha256sum <new.toml)
refused "gen-config does not replace it" 1 'config file "new.toml" already exists' gen-config new.toml
echo other >new.toml
run gen-config --force new.toml
check "but with --force" went_well
check "by the same" [ "$(sha256sum <new.toml)" = "$before" ]
(
	umask 077
	timeout 60 "$rosenpass" gen-config -f new.toml
)
check "the umask counts" [ "$(stat -c %a new.toml)" = 600 ]

# What is commented out is good as well, beside what is not.
sed "s|/path/to|$work/folder|" new.toml >plain.toml
sed 's/^#\([a-z_]* = \)/\1/; /^listen = \[\]/d' plain.toml >full.toml
for file in plain full; do
	run gen-keys "$file.toml"
	check "$file.toml is accepted" went_well
	check "and its keys are made" is_pair rp-public-key rp-secret-key
	rm -f rp-public-key rp-secret-key
done
run --help
check "gen-config is in the help" grep -q gen-config "$work/out"
run gen-config --help
check "gen-config --help" grep -q -- --force "$work/out"

refused "gen-config: nothing said" 2 'gen-config' gen-config
refused "gen-config: two files" 2 'one file' gen-config a.toml b.toml
refused "gen-config: an unknown option" 2 '--frce' gen-config --frce a.toml
refused "gen-config: no such folder" 1 'missing/a.toml.*No such' gen-config missing/a.toml
refused "gen-config: an empty name" 1 'config file ""' gen-config ""
mkdir directory
refused "gen-config: a folder" 1 'directory' gen-config directory
refused "gen-config: a folder, with --force" 1 'directory' gen-config --force directory
refused "gen-config: a device, with --force" 1 '/dev/null' gen-config --force /dev/null

# --- gen-keys with a file --------------------------------------------------------------------------------------------

printf 'public_key = "~/pk"\nsecret_key = "sk"\n' >home.toml
run gen-keys home.toml
check "gen-keys takes the places from the file" went_well
check "~ is the home directory" is_pair "$HOME/pk" sk
refused "gen-keys: they exist" 1 'public-key file ".*/home/pk" exists.*secret-key file "sk" exists' gen-keys home.toml
before=$(sha256sum sk "$HOME/pk")
run gen-keys --force home.toml
check "gen-keys --force makes others" went_well
check "both are new" [ "$(sha256sum sk "$HOME/pk" | grep -cFf <(cut -d' ' -f1 <<<"$before"))" -eq 0 ]
rm sk
run gen-keys -f -p a.pk -s a.sk home.toml
check "gen-keys with a file and -p: warns" went_well 'ignored.*home.toml'
check "and ignores -p" [ ! -e a.pk ]
check "and -s" [ ! -e a.sk ]
check "but makes the keys of the file" is_pair "$HOME/pk" sk

refused "gen-keys: no file of that name" 1 'config file "none.toml" does not exist' gen-keys none.toml
refused "gen-keys: a file that does not exist, beside -p and -s" 2 'config file "none.toml" does not exist' \
	gen-keys -p x.pk -s x.sk none.toml
refused "gen-keys: two files" 2 'b.toml' gen-keys a.toml b.toml
refused "gen-keys: neither" 2 'either a config-file or both public-key and secret-key file are required' gen-keys
refused "gen-keys: half" 2 'either a config-file or both public-key and secret-key file are required' gen-keys -p x
refused "gen-keys: a folder" 1 'directory' gen-keys directory
env -u HOME timeout 60 "$rosenpass" gen-keys home.toml >"$work/out" 2>"$work/err"
check "gen-keys: no home directory" grep -q 'home.toml:1: public_key "~/pk".*HOME' "$work/err"

# wrong WORDS PATTERN TEXT: a file of this text.
wrong()
{
	printf "$3" >wrong.toml
	refused "$1" 1 "wrong.toml$2" gen-keys wrong.toml
	rm wrong.toml
}
pair='public_key = "pk"\nsecret_key = "sk"\n'
wrong "an empty file" ': .*gen-keys' ''
wrong "half a key pair" ': public_key without secret_key' 'public_key = "pk"\n'
wrong "no TOML" ':1' 'public_key = \n'
wrong "the same key twice" ':3' "${pair}public_key = \"pk\"\\n"
wrong "no UTF-8" ':3' "${pair}user = \"\\xff\"\\n"
wrong "an unknown key" ':3: unknown key pubic_key; did you mean public_key\?' "${pair}pubic_key = \"x\"\\n"
wrong "a wrong type" ':3: verbosity: expected a string, found an integer' "${pair}verbosity = 3\\n"
wrong "an unknown word" ':3: verbosity "loud".*Quiet or Verbose' "${pair}verbosity = \"loud\"\\n"
wrong "listen without a port" ':3: listen "127.0.0.1".*HOST:PORT' "${pair}listen = [\"127.0.0.1\"]\\n"
wrong "an API" ':4: listen_path.*rosenpass status' "${pair}[api]\\nlisten_path = [\"/run/x\"]\\n"
wrong "a peer without a key" ':3: peer 1: public_key is missing' "${pair}[[peers]]\\nkey_out = \"o\"\\n"
wrong "a peer without an output" ':3: peer 1 \("x"\): its key goes nowhere' \
	"${pair}[[peers]]\\nname = \"x\"\\npublic_key = \"q\"\\n"
wrong "device without peer" ':3: peer 1: device without peer' \
	"${pair}[[peers]]\\npublic_key = \"q\"\\ndevice = \"wg0\"\\n"
wrong "the second peer is named" ':7: peer 2: unknown key endpiont; did you mean endpoint\?' \
	"${pair}[[peers]]\\npublic_key = \"q\"\\nkey_out = \"o\"\\n[[peers]]\\nendpiont = \"h:1\"\\n"
wrong "public and secret key in one file" '|same file "x"' 'public_key = "x"\nsecret_key = "x"\n'

# Files as other versions write them, with keys at places that can be written to.
for sample in "$samples"/*.toml; do
	name=$(basename "$sample")
	# Those are for rp.
	[[ $name != rp-* ]] || continue
	sed '0,/^public_key = .*/s||public_key = "sample.pk"|; s|^secret_key = .*|secret_key = "sample.sk"|' \
		"$sample" >sample.toml
	run gen-keys sample.toml
	check "$name is accepted" went_well
	check "$name: its keys are made" is_pair sample.pk sample.sk
	rm -f sample.pk sample.sk
done

# --- keygen ----------------------------------------------------------------------------------------------------------

for secret in private-key secret-key; do
	run keygen "$secret" old.sk public-key old.pk
	check "keygen $secret warns" went_well 'deprecated.*gen-keys'
	check "keygen $secret makes a pair" is_pair old.pk old.sk
done
before=$(sha256sum old.sk)
run keygen public-key old.pk private-key old.sk
check "keygen replaces what is there" [ "$(sha256sum old.sk)" != "$before" ]
refused "keygen: an unknown word" 1 'Unknown option `frobnicate`' keygen frobnicate x
refused "keygen: an option" 1 'Unknown option `--public-key`' keygen --public-key x
refused "keygen: no secret key" 1 'private-key is required' keygen public-key x
refused "keygen: no public key" 1 'public-key is required' keygen private-key x
refused "keygen: nothing" 1 'private-key is required' keygen
refused "keygen: a word without its file" 1 'missing after private-key' keygen public-key x private-key

# What is left behind is what was made.
check "no temporary file is left" [ -z "$(find "$work" -name '.rosenpass-*')" ]

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
