#!/usr/bin/env bash
# usage: usage.sh ROSENPASS RP
# What people type at rosenpass and rp beside the plain case: help in every place, options after other arguments,
# directories that do not exist, a configuration of the other program, a shell without completions. The last line is
# "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" rp
rp=$program
in_folder usage

# says STATUS PATTERN COMMAND...: the exit status, and a line of either stream.
says()
{
	local expected=$1 pattern=$2 status=0

	shift 2
	timeout 20 "$@" >out 2>err </dev/null || status=$?
	cat out err
	[ "$status" -eq "$expected" ] || { echo "status $status"; return 1; }
	grep -qE -- "$pattern" out err
}
# helps PROGRAM COMMAND WORD...: the usage of the command on standard output, and nothing is done.
helps()
{
	local name=$1 command=$2

	shift 2
	says 0 "^Usage: ${name##*/} $command( |\$)" "$name" "$command" "$@" && [ ! -s err ] && [ "$(find . -type d | wc -l)" -eq 1 ]
}
commands_of()
{
	"$1" help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

# --- help -----------------------------------------------------------------------------------------------------------

for name in "$rosenpass" "$rp"; do
	for command in $(commands_of "$name"); do
		for word in -h --help help; do
			check "${name##*/} $command $word" helps "$name" "$command" "$word"
		done
		check "${name##*/} $command a b --help" helps "$name" "$command" a b --help
		check "${name##*/} $command --help a" helps "$name" "$command" --help a
		check "${name##*/} help $command" says 0 "^Usage: ${name##*/} $command( |\$)" "$name" help "$command"
	done
	for word in -h --help help; do
		check "${name##*/} $word" says 0 '^Commands:$' "$name" "$word"
	done
done
for verb in list add remove; do
	for word in -h --help help --hel; do
		check "rosenpass peer $verb $word" helps "$rosenpass" peer "$verb" "$word"
	done
	check "rosenpass peer $verb --help a" helps "$rosenpass" peer "$verb" --help a
	check "rosenpass peer help $verb" says 0 '^Usage: rosenpass peer ' "$rosenpass" peer help "$verb"
	check "rosenpass help peer $verb" says 0 '^Usage: rosenpass peer ' "$rosenpass" help peer "$verb"
done
check "rosenpass help peer frob" says 2 'one command at a time' "$rosenpass" help peer frob
for name in "$rosenpass" "$rp"; do
	check "${name##*/} --hel" says 0 '^Commands:$' "$name" --hel
	check "${name##*/} status --hel" helps "$name" status --hel
done
check "rp verbose help" says 0 '^Commands:$' "$rp" verbose help
check "rp verbose exchange --help" says 0 '^Usage: rp exchange ' "$rp" verbose exchange --help

# --- directories ----------------------------------------------------------------------------------------------------

mode()
{
	stat -c %a "$@" | tr '\n' ' '
}
check "rp genkey deep/er/keys" "$rp" genkey deep/er/keys
check "rp genkey: nobody else can enter the directories that it made" [ "$(mode deep deep/er deep/er/keys)" = "700 700 700 " ]
check "rp pubkey deep/er/keys public/of/me/" "$rp" pubkey deep/er/keys public/of/me/
check "rp pubkey: everybody can enter the directories that it made" [ "$(mode public public/of public/of/me)" = "755 755 755 " ]
for mask in 077 777; do
	check "rp pubkey, umask $mask" bash -c 'umask "$2" && "$1" pubkey deep/er/keys "public$2/of/me"' - "$rp" "$mask"
	check "rp pubkey, umask $mask: everybody can enter the directories that it made" \
		[ "$(mode "public$mask" "public$mask/of" "public$mask/of/me")" = "755 755 755 " ]
done
ln -s nowhere dangling
for command in genkey 'pubkey deep/er/keys'; do
	for path in dangling dangling/keys; do
		# shellcheck disable=SC2086
		check "rp $command $path: a link that leads nowhere" says 1 \
			"cannot create directory \"$path\": a symbolic link leads to a place that does not exist" "$rp" $command "$path"
	done
done
rm dangling
check "rp pubkey: the keys are there" [ -s public/of/me/wgpk -a -s public/of/me/pqpk ]
check "rp genkey below a file" says 1 'wgsk/keys.*Not a directory' "$rp" genkey deep/er/keys/wgsk/keys
check "rp genkey with an absolute path" "$rp" genkey "$PWD/absolute/keys"
check "rp pubkey for a peer" "$rp" pubkey absolute/keys peers/other
check "rp pubkey without private keys makes nothing" says 1 'does not exist' "$rp" pubkey nowhere some/where
check "rp pubkey without private keys: nothing is there" not [ -e some ]

# --- options after other arguments ------------------------------------------------------------------------------------

# What is wrong is the directory of keys: options before it, after it, and after a peer were understood.
for words in '--adopt exchange nowhere peer p' 'verbose --adopt exchange nowhere peer p' 'exchange --adopt nowhere peer p' \
	'exchange nowhere --adopt peer p' 'exchange nowhere peer p --adopt' '--user nobody exchange nowhere' \
	'exchange nowhere dev x0 --user nobody --adopt peer p name n' '--no-sandbox --user=nobody --adopt exchange nowhere'; do
	# shellcheck disable=SC2086
	check "rp $words" says 1 'private-keys folder "nowhere" does not exist' "$rp" $words
done
printf 'private_keys_dir = "nowhere"\n' >rp.toml
for words in '--adopt exchange-config rp.toml' 'exchange-config rp.toml --adopt' 'exchange-config --adopt rp.toml --user nobody'; do
	# shellcheck disable=SC2086
	check "rp $words" says 1 'private-keys folder "nowhere" does not exist' "$rp" $words
done
check "rp --adopt is no option of genkey" says 1 'genkey: unknown option --adopt' "$rp" --adopt genkey x
check "rp --adopt alone" says 1 'No command supplied' "$rp" --adopt
check "rp exchange: a name that looks like an option" says 1 '"nowhere" does not exist' "$rp" exchange nowhere peer p name --adopt

# --- a file for later -------------------------------------------------------------------------------------------------

own=(public-key "$keys/alice.pk" secret-key "$keys/alice.sk")
written()
{
	local pid

	rm -f later.toml
	"$rosenpass" exchange "$@" >out 2>err </dev/null &
	pid=$!
	within 20 [ -s later.toml ] || cat err
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	[ -s later.toml ] && "$rosenpass" validate later.toml
}
check "exchange -c FILE" written -c later.toml "${own[@]}" peer public-key "$keys/bob.pk" outfile k
# Programs in Rust refuse a file without it, and one with another spelling of the verbosity.
check "exchange -c FILE: has listen" grep -qx 'listen = \[\]' later.toml
check "exchange -c FILE: verbosity" grep -qx 'verbosity = "Quiet"' later.toml
check "exchange -c FILE: no key that they do not know" not grep -vE \
	'^((public_key|secret_key|key_out) = ".*"|listen = \[\]|verbosity = "Quiet"|\[\[peers\]\]|)$' later.toml
check "exchange ... -c FILE" written "${own[@]}" listen 127.0.0.1:0 verbose peer public-key "$keys/bob.pk" outfile k -c later.toml
check "exchange ... -c FILE: has listen" grep -qx 'listen = \["127.0.0.1:0"\]' later.toml
check "exchange ... -c FILE: verbosity" grep -qx 'verbosity = "Verbose"' later.toml
check "exchange ... -c" says 2 'a value is missing after -c' "$rosenpass" exchange "${own[@]}" -c
check "gen-config writes listen too" eval '"$rosenpass" gen-config new.toml && grep -q "^listen = " new.toml'

# --- no peer yet ------------------------------------------------------------------------------------------------------

start later alice
check "exchange without a peer: it starts" within 10 grep -q 'info: no peer yet; rosenpass peer add --daemon later adds one' later.err
check "exchange without a peer: one is added" "$rosenpass" peer add public-key "$keys/bob.pk" outfile "$work/k" name bob --daemon later
check "peer list --daemon" bash -c '"$1" peer list --daemon=later | grep -q "^1	bob	"' - "$rosenpass"
check "peer add: an outfile that cannot be written" says 0 'warn: later: its outfile cannot be written: its directory does not exist' \
	"$rosenpass" peer add --daemon later public-key "$keys/carol.pk" outfile nowhere/k name carol
check "peer add: it is removed" "$rosenpass" peer remove carol --daemon later
check "peer list: a name and --daemon" says 2 'too many arguments, from later' "$rosenpass" peer list later --daemon later
check "peer add: --daemon without a value" says 2 'a value is missing after --daemon' "$rosenpass" peer add public-key a --daemon
check "peer remove: an unknown option" says 2 'unknown option --deamon' "$rosenpass" peer remove --deamon later bob
check "exchange without a peer: it is removed" "$rosenpass" peer remove bob --daemon later
check "exchange without a peer: ends" ends TERM "$pid"

# --- the configuration of the other program ---------------------------------------------------------------------------

cat >rp.toml <<-END
	verbose = false
	private_keys_dir = "deep/er/keys"
	[[peers]]
	public_keys_dir = "peers/other"
END
cat >rosenpass.toml <<-END
	public_key = "$keys/alice.pk"
	secret_key = "$keys/alice.sk"
	[[peers]]
	public_key = "$keys/bob.pk"
	key_out = "k"
END
check "rp validate" says 0 '"rp.toml" has passed all logical checks' "$rp" validate rp.toml
check "rp validate, in verbose words" says 0 '"rp.toml" has passed all logical checks' "$rp" verbose validate rp.toml
check "rosenpass validate on a file of rp" says 0 '"rp.toml" is a configuration of rp, not of rosenpass' "$rosenpass" validate rp.toml
check "rosenpass validate on a file of rp checks it" grep -q '"rp.toml" has passed all logical checks' err
check "rp validate on a file of rosenpass" says 0 '"rosenpass.toml" is a configuration of rosenpass, not of rp' "$rp" validate rosenpass.toml
check "rp validate on a file of rosenpass checks it" grep -q '"rosenpass.toml" has passed all logical checks' err
for name in "$rosenpass" "$rp"; do
	for file in rp.toml rosenpass.toml; do
		check "${name##*/} validate: $file in a pipe" bash -c 'cat "$2" | "$1" validate /dev/stdin' - "$name" "$file"
	done
done
printf 'dev = "x"\nprivate_key_dir = "keys"\n' >typing.toml
check "rosenpass validate on a file of rp with an error" says 1 'typing.toml:2: unknown key private_key_dir; did you mean private_keys_dir' \
	"$rosenpass" validate typing.toml
check "both at once" says 0 '"rp.toml" has passed' "$rosenpass" validate rosenpass.toml rp.toml
check "rosenpass exchange-config with a file of rp" says 1 'rp.toml:1: unknown key .*; this is a configuration of rp, which rp exchange-config uses' \
	"$rosenpass" exchange-config rp.toml
check "rosenpass gen-keys with a file of rp" says 1 'this is a configuration of rp' "$rosenpass" gen-keys rp.toml
check "rp exchange-config with a file of rosenpass" says 1 'rosenpass.toml:1: unknown key .*; this is a configuration of rosenpass, which rosenpass exchange-config uses' \
	"$rp" exchange-config rosenpass.toml
rm -r peers/other/pqpk
for name in "$rosenpass" "$rp"; do
	check "${name##*/} validate: a key of rp that is missing" says 1 'public-keys folder "peers/other" has no pqpk' "$name" validate rp.toml
	check "${name##*/} validate: says which file" grep -q '"rp.toml" contains logical errors' err
done
sed -i 's|peers/other|public/of/me|' rp.toml
check "rp validate: our own keys as the peer's" says 1 'these are our own keys' "$rp" validate rp.toml
echo 'frob = 1' >>rp.toml
check "rosenpass validate: a key that rp does not know" says 1 'rp.toml:5: peer 1: unknown key frob' "$rosenpass" validate rp.toml
rm "$work/usage/k" 2>/dev/null
sed -i 's/bob.pk/nobody.pk/' rosenpass.toml
check "rp validate: a key of rosenpass that is missing" says 1 'nobody.pk' "$rp" validate rosenpass.toml
check "rp validate: no file" says 1 'config file "nowhere.toml" does not exist' "$rp" validate nowhere.toml
check "rp validate alone" says 1 'validate: 1 argument expected' "$rp" validate

# --- names of programs ------------------------------------------------------------------------------------------------

check "rp status nobody" says 3 'no daemon called nobody-at-all runs here; rp status lists those that do' "$rp" status nobody-at-all
check "rosenpass status nobody" says 3 'rosenpass status lists those that do' "$rosenpass" status nobody-at-all

# --- completions ------------------------------------------------------------------------------------------------------

for shell in bash zsh fish; do
	check "completions for $shell" says 0 rosenpass "$rosenpass" --print-completions "$shell"
done
for shell in elvish powershell nushell BASH ../rosenpass.bash; do
	check "completions for $shell" says 2 "no completions for \"$shell\": only bash, zsh and fish have them" \
		"$rosenpass" --print-completions "$shell"
	check "completions for $shell: nothing for the shell to read" [ ! -s out ]
done
check "completions for an empty word" says 2 'only bash, zsh and fish' "$rosenpass" --print-completions ''

finish
