#!/usr/bin/env bash
# usage: commands.sh ROSENPASS RP FAKE_DAEMON
# The commands beside the daemon itself, with right and wrong input: fingerprints, conversion of keys, help, and those
# that talk to a daemon, to several, to none, and to one that is out of its mind. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" rp
rp=$program
fake=$(absolute "$3")

# refused STATUS PATTERN WORD...: that exit status, nothing on standard output, and one line on standard error with it.
refused()
{
	local status=$1 pattern=$2 got

	shift 2
	"$rosenpass" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" -eq "$status" ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] && grep -q "$pattern" err ||
		{ echo "status $got"; cat out err; false; }
}

# exits_saying STATUS PATTERN COMMAND WORD...: that exit status, and a line with it on standard error.
exits_saying()
{
	local status=$1 pattern=$2 got

	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	[ "$got" -eq "$status" ] && grep -q "$pattern" err || { echo "status $got"; cat out err; false; }
}

# says_exactly TEXT WORD...: exit status 0, that on standard output, nothing on standard error.
says_exactly()
{
	local text=$1

	shift
	"$rosenpass" "$@" >out 2>err </dev/null && [ "$(cat out)" = "$text" ] && [ ! -s err ] ||
		{ cat out err; false; }
}

# --- usage ----------------------------------------------------------------------------------------------------------

in_folder usage
check "no such command, and the nearest one" refused 2 'did you mean reload' relaod
check "no such command" refused 2 'rosenpass help lists them' frobnicate
check "no such option" refused 2 'unknown option' --frobnicate
check "two levels" refused 2 'only one of' -v -q status
check "no such level" refused 2 'not loud' --log-level loud status
check "no such format" refused 2 'text or json' --log-format xml status
check "an option without its value" refused 2 'missing after' --log-level
check "no such shell" refused 2 'bash, zsh and fish' --print-completions elvish
check "the version" bash -c '"$1" --version | grep -qx "rosenpass [0-9.]*"' - "$rosenpass"
"$rosenpass" >out 2>err
check "nothing at all: exit status" [ $? -eq 2 ]
check "nothing at all: the usage is on standard error" grep -q '^Commands:' err
check "nothing at all: nothing on standard output" [ ! -s out ]
for name in $("$rosenpass" help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
	check "help $name" bash -c '"$1" help "$2" | grep -q "^Usage: rosenpass $2"' - "$rosenpass" "$name"
	[ "$name" = help ] || check "$name --help" cmp <("$rosenpass" help "$name") <("$rosenpass" "$name" --help)
done
check "log lines as JSON" bash -c '"$1" --log-format json validate nowhere 2>&1 | grep -q "^{\"time\":\".*\"level\":\"error\""' \
	- "$rosenpass"

# --- fingerprint ----------------------------------------------------------------------------------------------------

in_folder fingerprint
# words FILE: the same by other means.
words()
{
	local hash i bits consonants=bdfghjklmnprstvz vowels=aiou text=''

	hash=$(b2sum -l 256 "$1" | cut -c 1-32)
	for ((i = 0; i < 32; i += 4)); do
		bits=$((16#${hash:i:4}))
		text+=${consonants:bits >> 12:1}${vowels:bits >> 10 & 3:1}${consonants:bits >> 6 & 15:1}
		text+=${vowels:bits >> 4 & 3:1}${consonants:bits & 15:1}-
	done
	echo "${text%-}"
}
for owner in alice bob carol; do
	check "the words of $owner" says_exactly "$(words "$keys/$owner.pk")  $keys/$owner.pk" fingerprint "$keys/$owner.pk"
done
alice=$(words "$keys/alice.pk")
check "compared" "$rosenpass" fingerprint --check "$alice" "$keys/alice.pk"
check "compared: capitals and blanks do not matter" "$rosenpass" fingerprint -c "$(tr 'a-z-' 'A-Z ' <<<"$alice")" "$keys/alice.pk"
check "compared: another key" refused 1 'another key' fingerprint --check "$alice" "$keys/bob.pk"
check "compared: a word less" refused 1 'another key' fingerprint --check "${alice%-*}" "$keys/alice.pk"
check "a secret key" refused 1 'secret key' fingerprint "$keys/alice.sk"
head -c 524159 "$keys/alice.pk" >short
(cat "$keys/alice.pk"; echo) >long
check "too short" refused 1 '524160 bytes' fingerprint short
check "too long" refused 1 '524160 bytes' fingerprint long
check "not there" refused 1 'No such file' fingerprint nowhere
check "no file" refused 2 'missing' fingerprint
check "no words" refused 2 'missing' fingerprint --check

# --- convert-secret-key ---------------------------------------------------------------------------------------------

in_folder convert
for owner in alice bob carol; do
	check "$owner: to the old layout" "$rosenpass" convert-secret-key "$keys/$owner.sk" "$owner.old"
	check "$owner: that is it" cmp "$owner.old" "$keys/$owner.v02.sk"
	check "$owner: and back" "$rosenpass" convert-secret-key "$owner.old" "$owner.new"
	# The seed that it was made from, at its start, is not in the old layout, and nobody needs it.
	check "$owner: the same but for the seed" cmp -i 40 "$owner.new" "$keys/$owner.sk"
	check "$owner: to the old layout again" "$rosenpass" convert-secret-key "$owner.new" "$owner.again"
	check "$owner: the same as the first time" cmp "$owner.again" "$owner.old"
	check "$owner: modes" [ "$(stat -c %a "$owner.old" "$owner.new" | tr '\n' ' ')" = "600 600 " ]
done
cp bob.new bob.copy
check "does not overwrite" refused 1 'refusing' convert-secret-key "$keys/alice.sk" bob.new
check "what was there is there" cmp bob.new bob.copy
check "onto itself, when told to" "$rosenpass" convert-secret-key -f bob.new bob.new
check "onto itself: converted" cmp bob.new "$keys/bob.v02.sk"
check "a public key" refused 1 'not a secret key' convert-secret-key "$keys/alice.pk" x
check "not there" refused 1 'No such file' convert-secret-key nowhere x
check "into no folder" refused 1 'No such file' convert-secret-key "$keys/alice.sk" nowhere/x
check "one file" refused 2 'two files' convert-secret-key "$keys/alice.sk"
check "nothing was left behind" [ "$(find . -name '.*' -type f | wc -l)" -eq 0 ]

# --- no daemon ------------------------------------------------------------------------------------------------------

in_folder none
mkdir empty
export RUNTIME_DIRECTORY=$PWD/empty XDG_RUNTIME_DIR=$PWD/empty
for command in status reload metrics "peer list"; do
	# What else runs on this machine is none of our business: by a name that nobody has.
	# shellcheck disable=SC2086
	check "$command NOBODY" refused 3 'no daemon called nobody-at-all' $command nobody-at-all
done
check "a name that is a path" refused 1 'no "/"' status ../x
check "peer without a verb" refused 2 'list, add or remove' peer
check "peer with a wrong verb" refused 2 'not frob' peer frob
check "peer add without words" refused 2 'add needs' peer add
check "peer remove without a peer" refused 2 'remove needs' peer remove
check "two names" refused 2 'too many arguments' status a b
check "no such option" refused 2 'unknown option' status --frob

# --- a daemon that is none ------------------------------------------------------------------------------------------

in_folder fake
export RUNTIME_DIRECTORY=$PWD
# pretend WHAT: a fake daemon called fake.
pretend()
{
	rm -f fake.sock
	run fake "$fake" "$PWD/fake.sock" "$1"
	within 5 test -S fake.sock || echo "no fake daemon"
}
clean()
{
	! grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$@"
}
for what in junk array silent endless refusal; do
	pretend "$what"
	check "$what: a clear end" refused 1 fake status fake
	check "$what: nothing that commands a terminal" clean err
	kill "$pid" && wait "$pid" 2>/dev/null
done
for what in empty wrong terminal; do
	pretend "$what"
	check "$what: status" bash -c '"$1" status fake >out 2>err' - "$rosenpass"
	check "$what: nothing that commands a terminal" clean out
	check "$what: metrics" bash -c '"$1" metrics fake >out 2>err' - "$rosenpass"
	check "$what: JSON" bash -c '"$1" status --json fake >out' - "$rosenpass"
	kill "$pid" && wait "$pid" 2>/dev/null
done
pretend bytes
check "an answer byte by byte" says_exactly "fake: 1 peers added, 2 removed, 3 changed, 4 unchanged" reload fake
kill "$pid" && wait "$pid" 2>/dev/null
check "a socket that nobody listens on" refused 3 'no daemon called fake runs here: it was killed' status fake
check "a socket that nobody listens on: reload" refused 3 'it was killed' reload fake

# --- real ones ------------------------------------------------------------------------------------------------------

in_folder real
mkdir run
export RUNTIME_DIRECTORY=$PWD/run
free_port
start hub alice listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile bob name bob
all=("$pid")
start leaf bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile hub
all+=("$pid")
check "they agree" agree bob hub
check "status of one" bash -c '"$1" status hub | grep -q "^peer: bob"' - "$rosenpass"
check "status of all" bash -c '"$1" status | grep -c "^daemon: \(hub\|leaf\)$" | grep -qx 2' - "$rosenpass"
check "which one" refused 1 'hub, leaf' peer list
check "peers" bash -c '"$1" peer list hub | grep -q "^1	bob	"' - "$rosenpass"
check "JSON is JSON" bash -c '"$1" status --json hub | grep -q "\"has_key\": true"' - "$rosenpass"
check "metrics" bash -c '"$1" metrics | grep -q "^rosenpass_peer_has_key{daemon=\"hub\",peer=\"bob\",id=\"[^\"]*\"} 1$"' - "$rosenpass"
check "each metric is explained once" bash -c '[ -z "$("$1" metrics | grep "^# HELP" | sort | uniq -d)" ]' - "$rosenpass"
check "no series twice" bash -c '[ -z "$("$1" metrics | grep -v "^#" | sed "s/} .*/}/" | sort | uniq -d)" ]' - "$rosenpass"
check "watching ends with its reader" bash -c 'timeout 10 "$1" status --watch hub 2>&1 | head -n 3 | grep -q hub' - "$rosenpass"
cd "$work/keys" || exit 1
check "add a peer by relative paths" "$rosenpass" peer add --daemon hub public-key carol.pk outfile ../real/carol name carol
cd "$work/real" || exit 1
check "it is there" bash -c '"$1" status hub | grep -q "^peer: carol (added while running)"' - "$rosenpass"
check "not twice" refused 1 'already' peer add --daemon hub public-key "$keys/carol.pk" outfile x
check "a fourth key pair" "$rosenpass" gen-keys -p dave.pk -s dave.sk
check "an outfile of somebody else" refused 1 "is the same file as peer 2" peer add --daemon hub public-key dave.pk outfile "$keys/../real/carol"
check "an endpoint that means every address" refused 1 'endpoint "0:9" means every address' peer add --daemon hub public-key dave.pk endpoint 0:9 outfile x
check "a wrong word" refused 1 'unrecognised' peer add --daemon hub public-key "$keys/carol.pk" outfil x
check "remove it" "$rosenpass" peer remove --daemon hub carol
check "it is gone" bash -c '! "$1" status hub | grep -q carol' - "$rosenpass"
check "remove it again" refused 1 'no peer carol' peer remove --daemon hub carol
check "nothing to reload" refused 1 'without a configuration file' reload hub
if is_root; then
	chmod 755 run
	chmod 666 run/hub.sock
	check "others are not listened to" bash -c '! setpriv --reuid=65534 --regid=65534 --clear-groups -- "$1" status hub 2>/dev/null' - "$rosenpass"
	chmod 600 run/hub.sock
	chmod 755 "$work" "$work/real"
	# as_other PROGRAM WORD...
	as_other()
	{
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	}
	check "another user: status of one" exits_saying 1 'hub talks to its own user and to root only' as_other "$rosenpass" status hub
	check "another user: status of all" exits_saying 1 'leaf talks to its own user and to root only' as_other "$rosenpass" status
	check "another user: rp status" exits_saying 1 'hub talks to its own user and to root only' as_other "$rp" status
	chmod 700 run
	check "another user: a directory that is closed" exits_saying 1 'cannot look for daemons: Permission denied' as_other "$rosenpass" status
	check "another user: a directory that is closed, by name" exits_saying 1 'hub talks to its own user' as_other "$rosenpass" status hub
fi
check "rp status: daemons that make no VPN" exits_saying 3 'no VPN of rp runs here' "$rp" status

# A third daemon was killed.
start dead bob peer public-key "$keys/alice.pk" outfile dead.key
check "dead answers" within 10 "$rosenpass" status dead
{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
check "its socket is left over" [ -S run/dead.sock ]
for command in status metrics; do
	check "$command of all, one of which was killed" bash -c '"$1" "$2" >out 2>err' - "$rosenpass" "$command"
	check "$command of all: says so" grep -q 'warn: the daemon called dead was killed; its control socket is left over' err
	check "$command of all: the others are there" grep -q 'leaf' out
done
check "which one: not the one that was killed" exits_saying 1 'say which: hub, leaf$' "$rosenpass" peer list
check "both end with 0" ends TERM "${all[@]}"
check "their sockets are gone" [ "$(echo run/*)" = "run/dead.sock run/dead.sock.lock" ]
# Daemons of other users of this machine would be found, too.
if [ -z "$(ls /run/rosenpass 2>/dev/null)" ]; then
	for command in status metrics reload "peer list" "peer remove x"; do
		# shellcheck disable=SC2086
		check "$command: none runs" exits_saying 3 'no daemon runs here' "$rosenpass" $command
	done
	check "rp status: none runs" exits_saying 3 'no daemon runs here' "$rp" status
fi
start dead bob peer public-key "$keys/alice.pk" outfile dead.key
check "the next daemon of that name takes the place" within 10 "$rosenpass" status dead
check "it has nothing to say about that" not grep -q warn dead.err
check "it ends with 0" ends TERM "$pid"
check "nothing is left" [ -z "$(ls run)" ]

finish
