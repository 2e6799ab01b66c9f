#!/usr/bin/env bash
# usage: exchange.sh ROSENPASS
# Runs pairs of real daemons on the loopback interface and looks at what they write: key files, their modes, the
# lines on standard output, exit statuses. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program

# start NAME WORD...: with all its words; some of these daemons have keys of their own.
start()
{
	local name=$1

	shift
	run "$name" "$rosenpass" exchange "$@"
}

silent()
{
	[ -z "$("$@" 2>&1)" ]
}

has_size()
{
	[ "$(stat -c %s "$2")" = "$1" ] || { stat "$2"; false; }
}

# announced FILE QUOTED REASON: FILE is one line of the reference's form.
announced()
{
	local line

	[ "$(wc -l <"$1")" -eq 1 ] || { cat "$1"; return 1; }
	IFS= read -r line <"$1"
	[[ $line =~ ^output-key\ peer\ [A-Za-z0-9+/]{43}=\ key-file\  ]] || { echo "$line"; return 1; }
	[ "${line#*key-file }" = "$2 $3" ] || { echo "$line"; return 1; }
}

names_peer()
{
	[ "$(cut -d ' ' -f 3 "$1")" = "$2" ] || { cat "$1"; false; }
}

# tells_no_key LOG FILE...: no key of the files stands in the log.
tells_no_key()
{
	local log=$1 file

	shift
	for file in "$@"; do
		! grep -qF "$(cat "$file")" "$log" || return 1
	done
}

nothing_but()
{
	[ "$(ls -A | sort | tr '\n' ' ')" = "$1" ] || { ls -A; false; }
}

# --- the flow of the README, word for word but for the port -------------------------------------------------------

in_folder flow
check "gen-keys for the server" silent "$rosenpass" gen-keys --public-key=server-public --secret-key=server-secret
check "gen-keys for the client" silent "$rosenpass" gen-keys --public-key client-public --secret-key client-secret
check "nothing else was written" nothing_but "client-public client-secret server-public server-secret "
check "size of a public key" has_size 524160 server-public
check "size of a secret key" has_size 13608 server-secret
check "mode of a public key" has_mode 644 server-public
check "mode of a secret key" has_mode 600 server-secret
check "two runs, two keys" bash -c '! cmp -s server-secret client-secret && ! cmp -s server-public client-public'

free_port
start server private-key server-secret public-key server-public listen "0.0.0.0:$port" \
	peer public-key client-public outfile server-sharedkey
server=$pid
start client private-key client-secret public-key client-public \
	peer public-key server-public endpoint "127.0.0.1:$port" outfile client-sharedkey
client=$pid
check "both sides agree on a key" agree server-sharedkey client-sharedkey
check "cmp is silent" silent cmp server-sharedkey client-sharedkey
for side in server client; do
	check "$side: 44 characters of base64 and no newline" is_base64_key "$side-sharedkey"
	check "$side: mode of the outfile" has_mode 600 "$side-sharedkey"
	check "$side: line on standard output" within 5 announced "$side.out" "\"$side-sharedkey\"" exchanged
	check "$side: the old word private-key is warned about" grep -q 'warn: .*private-key.*secret-key' "$side.err"
	check "$side: the log does not tell the key" tells_no_key "$side.err" "$side-sharedkey"
done
check "server ends with 0 on SIGTERM" ends TERM "$server"
check "client ends with 0 on SIGTERM" ends TERM "$client"
check "the keys stay" same_key server-sharedkey client-sharedkey
check "no temporary file stays" nothing_but \
	"client-public client-secret client-sharedkey client.err client.out server-public server-secret server-sharedkey server.err server.out "
cd ..

# --- layouts of the secret key, other signals ---------------------------------------------------------------------

host=127.0.0.1
# exchange NAME ALICE-WORD... -- BOB-WORD...: a folder NAME, in which alice listens at $host and bob calls.
exchange()
{
	local name=$1 alice=()

	shift
	while [ "$1" != -- ]; do
		alice+=("$1")
		shift
	done
	shift
	in_folder "$name"
	free_port
	start alice public-key "$keys/alice.pk" listen "$host:$port" "${alice[@]}"
	alice_pid=$pid
	start bob public-key "$keys/bob.pk" "$@" endpoint "$host:$port"
	bob_pid=$pid
}

stop()
{
	check "$1: alice ends with 0 on SIG$2" ends "$2" "$alice_pid"
	check "$1: bob ends with 0 on SIG$2" ends "$2" "$bob_pid"
	cd ..
}

exchange old-and-new secret-key "$keys/alice.v02.sk" peer public-key "$keys/bob.pk" outfile a -- \
	secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" outfile b
check "older layout and newer" agree a b
stop "older layout and newer" INT

exchange new-and-old secret-key "$keys/alice.sk" peer public-key "$keys/bob.pk" outfile a -- \
	secret-key "$keys/bob.v02.sk" peer public-key "$keys/alice.pk" outfile b
check "newer layout and older" agree a b
# As in tests/data/vectors/handshake.json.
check "alice's line names bob" within 5 names_peer alice.out 4fG9mO2P6sGM7PPGEaBD++qAI4oFtciw7+cDxKuBa3g=
check "bob's line names alice" within 5 names_peer bob.out /hZd9w8lmCkNpKgr8y5wjgNR5KRXx8WYqkFJlz0isU4=
stop "newer layout and older" QUIT

# --- preshared keys -----------------------------------------------------------------------------------------------

head -c 32 /dev/zero | tr '\0' '\7' | base64 -w 0 >psk.key
printf '%s\r\n' "$(cat psk.key)" >psk-crlf.key
head -c 32 /dev/zero | tr '\0' '\10' | base64 >psk-other.key

exchange psk secret-key "$keys/alice.sk" peer public-key "$keys/bob.pk" preshared-key ../psk.key outfile a -- \
	secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" preshared-key ../psk-crlf.key outfile b
check "the same preshared key" agree a b
stop "the same preshared key" TERM

# The calls of three dialects are refused; there is no fourth that could do better.
refused_thrice()
{
	[ "$(grep -cE 'trace: engine: [0-9]+ bytes from ' alice.err)" -ge 3 ]
}

# refused NAME ALICE-PSK BOB-PSK: as many words each as it takes to say which; no key comes of it.
refused()
{
	local words=$1

	check "$words: the calls come" within "$wait_seconds" refused_thrice
	check "$words: no key, no line" bash -c '[ ! -e a ] && [ ! -e b ] && [ ! -s alice.out ] && [ ! -s bob.out ]'
	stop "$words" TERM
}

# Lines about single datagrams are of this level.
export RUST_LOG=trace
exchange psk-other secret-key "$keys/alice.sk" \
	peer public-key "$keys/bob.pk" preshared-key ../psk.key outfile a -- \
	secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" preshared-key ../psk-other.key outfile b
refused "another preshared key"

exchange psk-one-side secret-key "$keys/alice.sk" peer public-key "$keys/bob.pk" outfile a -- \
	secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" preshared-key ../psk.key outfile b
refused "a preshared key on one side"

exchange stranger secret-key "$keys/alice.sk" peer public-key "$keys/carol.pk" outfile a -- \
	secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" outfile b
refused "a caller who is not a peer"
unset RUST_LOG

# --- IPv6 ---------------------------------------------------------------------------------------------------------

if grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null; then
	host='[::1]'
	exchange ipv6 secret-key "$keys/alice.sk" peer public-key "$keys/bob.pk" outfile a -- \
		secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" outfile b
	check "over IPv6" agree a b
	stop "over IPv6" TERM
	host='[::1%1]'
	exchange scope secret-key "$keys/alice.sk" peer public-key "$keys/bob.pk" outfile a -- \
		secret-key "$keys/bob.sk" peer public-key "$keys/alice.pk" outfile b
	check "over IPv6, with a scope id" agree a b
	stop "with a scope id" TERM
	host=localhost
	free_port
	in_folder both-families
	start alice public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "[::]:$port" listen "0.0.0.0:$port" \
		peer public-key "$keys/bob.pk" outfile a peer public-key "$keys/carol.pk" outfile c
	alice_pid=$pid
	start bob public-key "$keys/bob.pk" secret-key "$keys/bob.sk" \
		peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
	bob_pid=$pid
	start carol public-key "$keys/carol.pk" secret-key "$keys/carol.sk" \
		peer public-key "$keys/alice.pk" endpoint "[::1]:$port" outfile d
	check "both families on one port: a peer of IPv4" agree a b
	check "both families on one port: a peer of IPv6" agree c d
	check "two peers, two keys" bash -c '! cmp -s a c'
	check "two peers, two lines" bash -c '[ "$(wc -l <alice.out)" -eq 2 ]'
	check "carol ends with 0 on SIGTERM" ends TERM "$pid"
	stop "both families on one port" TERM
	host=127.0.0.1
else
	skip "IPv6: the loopback interface has none"
fi

# --- what can go wrong without ending anything ----------------------------------------------------------------------

in_folder troubles
echo "the key before" >a
chmod 644 a
name=$'it is "b"\t\\é'
free_port
start alice public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
	peer public-key "$keys/bob.pk" outfile a
alice_pid=$pid
before=$(stat -c %i a)
start bob public-key "$keys/bob.pk" secret-key "$keys/bob.sk" \
	peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile "folder/$name"
bob_pid=$pid
said_once()
{
	[ "$(grep -c 'error: .*folder/' bob.err)" -eq 1 ]
}
check "a folder that is missing is complained about" within "$wait_seconds" said_once
check "no line while the key is not in its file" bash -c '[ ! -s bob.out ]'
mkdir folder
check "the key is written when the folder is there" within "$wait_seconds" same_key a "folder/$name"
check "one complaint is enough" said_once
check "the file's name is quoted as Rust does" within 5 announced bob.out \
	'"folder/it is \"b\"\t\\é"' exchanged
check "a file that was there is replaced, not written into" bash -c "[ \"\$(stat -c %i a)\" != $before ]"
check "the new file has the mode that it had" has_mode 644 a
stop "a missing folder" TERM

in_folder closed
free_port
"$rosenpass" exchange public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
	peer public-key "$keys/bob.pk" outfile a >&- 2>alice.err </dev/null &
alice_pid=$!
"$rosenpass" exchange public-key "$keys/bob.pk" secret-key "$keys/bob.sk" \
	peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b 2>bob.err </dev/null > >(exec true) &
bob_pid=$!
pids+=("$alice_pid" "$bob_pid")
check "standard output closed, and broken: keys all the same" agree a b
check "they go on" kill -0 "$alice_pid" "$bob_pid"
stop "standard output closed" TERM

in_folder no-streams
free_port
"$rosenpass" exchange public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
	peer public-key "$keys/bob.pk" outfile a >&- 2>&- <&- &
alice_pid=$!
pids+=("$alice_pid")
start bob public-key "$keys/bob.pk" secret-key "$keys/bob.sk" \
	peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
bob_pid=$pid
check "no standard stream at all: keys all the same" agree a b
check "nothing but the key in the outfile" is_base64_key a
stop "no standard stream at all" TERM

in_folder sizes
ulimit -c unlimited 2>/dev/null || true
free_port
start alice public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
	peer public-key "$keys/bob.pk" outfile a
check "it listens" within 10 grep -q info: alice.err
check "no core dumps" grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
check "it ends with 0 before anybody called" ends TERM "$pid"
cd ..

finish
