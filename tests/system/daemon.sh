#!/usr/bin/env bash
# usage: daemon.sh ROSENPASS
# What daemons go through in their life: several peers, both sides calling at once, restarts, junk from the network,
# nosy neighbours. The last line is "N passed, N failed".
set -uo pipefail
export LC_ALL=C
unset RUST_LOG
umask 022

vectors=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../data/vectors")
wait_seconds=30
passed=0
failed=0
pids=()
work=$(mktemp -d) || exit 1
# Where every user can start it.
chmod 755 "$work"
mkdir "$work/keys" && cp "$vectors"/keys/* "$work/keys" && chmod 644 "$work"/keys/* || exit 1
cp "$1" "$work/rosenpass" || exit 1
rosenpass=$work/rosenpass
keys=$work/keys

clean_up()
{
	local pid

	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cd "$work" || exit 1

# check WORDS COMMAND...: one case; what the command prints is shown when it fails.
check()
{
	local words=$1

	shift
	if "$@" >"$work/said" 2>&1; then
		echo "PASS  $words"
		passed=$((passed + 1))
	else
		echo "FAIL  $words: $*"
		tail -n 20 "$work/said" ./*.err 2>/dev/null
		failed=$((failed + 1))
	fi
}

# A UDP port that nobody holds right now and that was not given out before.
next_port=$((20000 + RANDOM % 8000))
free_port()
{
	local table hex

	table=$(cat /proc/net/udp /proc/net/udp6 2>/dev/null)
	while :; do
		next_port=$((next_port + 1))
		printf -v hex ':%04X ' "$next_port"
		[[ $table == *"$hex"* ]] || break
	done
	port=$next_port
}

# run NAME COMMAND...: in the background with its output in NAME.out and NAME.err; its process id in $pid.
run()
{
	local name=$1

	shift
	"$@" >"$name.out" 2>"$name.err" </dev/null &
	pid=$!
	pids+=("$pid")
}

# start NAME OWNER WORD...: a daemon with the key pair of OWNER.
start()
{
	local name=$1 owner=$2

	shift 2
	run "$name" "$rosenpass" exchange public-key "$keys/$owner.pk" secret-key "$keys/$owner.sk" "$@"
}

# within SECONDS COMMAND...: whether it succeeds in that time.
within()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

same_key()
{
	[ -s "$1" ] && cmp -s "$1" "$2"
}

agree()
{
	within "$wait_seconds" same_key "$1" "$2"
}

gone()
{
	! kill -0 "$1"
}

# ends SIGNAL PID...: each ends, with status 0.
ends()
{
	local signal=$1 pid

	shift
	for pid in "$@"; do
		kill -s "$signal" "$pid" && within 10 gone "$pid" && wait "$pid" || return 1
	done
}

in_folder()
{
	cd "$work" && mkdir "$1" && cd "$1" || exit 1
}

# peer_id OWNER: the peer id in base64, of the first handshake in the vectors that OWNER began (BLAKE2b).
peer_id()
{
	local hex

	hex=$(awk -F '"' -v owner="$1" '
		$2 == "suite" { suite = $4 }
		$2 == "initiator" { initiator = $4 }
		$2 == "pidi" && initiator == owner && suite == "blake2b-188" { print $4; exit }' \
		"$vectors/handshake.json")
	printf "$(printf '%s' "$hex" | sed 's/../\\x&/g')" | base64 -w 0
}

# says FILE LINE...: the file is these lines, in any order, and nothing else.
says()
{
	local file=$1

	shift
	diff <(sort "$file") <(printf '%s\n' "$@" | sort)
}

has_mode()
{
	[ "$(stat -c %a "$2")" = "$1" ] || { stat "$2"; false; }
}

# --- gen-keys over old files ----------------------------------------------------------------------------------------

in_folder keys-again
for file in p s; do
	echo old >"$file"
	chmod 666 "$file"
done
check "gen-keys --force replaces both" "$rosenpass" gen-keys --public-key=p --secret-key=s --force
check "sizes of the new files" [ "$(stat -c %s p s | tr '\n' ' ')" = "524160 13608 " ]
check "modes of the new files" [ "$(stat -c %a p s | tr '\n' ' ')" = "644 600 " ]
check "nothing else is there" [ "$(ls -A | tr '\n' ' ')" = "p s " ]

# --- three peers call one server by its name ------------------------------------------------------------------------

in_folder three
free_port
"$rosenpass" gen-keys -p "$keys/fourth.pk" -s "$keys/fourth.sk" || exit 1
umask 000
host=localhost
getent hosts localhost >/dev/null || host=127.0.0.1
start server fourth listen "$host:$port" \
	peer public-key "$keys/alice.pk" outfile server-alice \
	peer public-key "$keys/bob.pk" outfile server-bob \
	peer public-key "$keys/carol.pk" outfile server-carol
all=("$pid")
for client in alice bob carol; do
	start "$client" "$client" peer public-key "$keys/fourth.pk" endpoint "$host:$port" outfile "$client"
	all+=("$pid")
done
umask 022
for client in alice bob carol; do
	check "three peers: the server and $client agree" agree "server-$client" "$client"
	check "three peers: umask 000, mode of the server's file" has_mode 600 "server-$client"
	check "three peers: umask 000, mode of $client's file" has_mode 600 "$client"
done
check "three peers: three keys" [ "$(cat alice bob carol | fold -w 44 | sort -u | wc -l)" -eq 3 ]
check "three peers: the server's lines" within 5 says server.out \
	"output-key peer $(peer_id alice) key-file \"server-alice\" exchanged" \
	"output-key peer $(peer_id bob) key-file \"server-bob\" exchanged" \
	"output-key peer $(peer_id carol) key-file \"server-carol\" exchanged"
check "three peers: all end with 0" ends TERM "${all[@]}"

# --- both sides call at once ----------------------------------------------------------------------------------------

# Handshakes that cross may give several keys in a row; what counts is that both sides end with the same one.
settled()
{
	local lines

	[ "$(wc -l <a.out)" -ge 1 ] && [ "$(wc -l <b.out)" -ge 1 ] && same_key a b || return 1
	lines=$(cat a.out b.out | wc -l)
	sleep 0.5
	[ "$(cat a.out b.out | wc -l)" -eq "$lines" ] && same_key a b
}

for ((round = 1; round <= 10; round++)); do
	in_folder "crossed-$round"
	free_port
	port_a=$port
	free_port
	start a alice listen "127.0.0.1:$port_a" \
		peer public-key "$keys/bob.pk" endpoint "127.0.0.1:$port" outfile a
	pid_a=$pid
	start b bob listen "127.0.0.1:$port" \
		peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port_a" outfile b
	check "both call at once, round $round" within "$wait_seconds" settled
	check "both call at once, round $round: both end with 0" ends TERM "$pid_a" "$pid"
done

# --- restarts -------------------------------------------------------------------------------------------------------

in_folder restart
free_port
port_a=$port
free_port
server=(a alice listen "127.0.0.1:$port_a" peer public-key "$keys/bob.pk" outfile a)
client=(b bob listen "127.0.0.1:$port" peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port_a" outfile b)
start "${server[@]}"
pid_a=$pid
start "${client[@]}"
pid_b=$pid
check "before the restarts" agree a b

# new_key: both have the same key, and it is not the one of before.
new_key()
{
	same_key a b && ! cmp -s a before
}

cp a before
check "the calling side ends with 0" ends TERM "$pid_b"
start "${client[@]}"
pid_b=$pid
check "the calling side came back: a new key in ten seconds" within 10 new_key

# Who waits cannot know that it should be called; whoever comes back and has an endpoint calls.
cp a before
check "a side that calls too ends with 0" ends TERM "$pid_a"
start "${server[@]}" endpoint "127.0.0.1:$port"
pid_a=$pid
check "it came back: a new key in ten seconds" within 10 new_key
{ kill -KILL "$pid_b" && wait "$pid_b"; } 2>/dev/null
cp a before
start "${client[@]}"
pid_b=$pid
check "killed and started again: a new key in ten seconds" within 10 new_key
check "after the restarts: both end with 0" ends INT "$pid_a" "$pid_b"

# --- outfiles that are links ----------------------------------------------------------------------------------------

in_folder links
free_port
echo "not a key" >target
ln -s target link
start a alice listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile link
pid_a=$pid
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "an outfile that was a link" agree link b
check "where it led to is as it was" [ "$(cat target)" = "not a key" ]
check "links: both end with 0" ends TERM "$pid_a" "$pid"

# --- no standard streams --------------------------------------------------------------------------------------------

in_folder streams
free_port
"$rosenpass" exchange public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
	peer public-key "$keys/bob.pk" outfile a <&- >&- 2>&- &
pid_a=$!
pids+=("$pid_a")
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "without standard streams: both sides agree" agree a b
for stream in 0 1 2; do
	check "no file and no socket has the number $stream" \
		[ "$(readlink "/proc/$pid_a/fd/$stream")" = /dev/null ]
done
check "without standard streams: both end with 0" ends TERM "$pid_a" "$pid"

# --- neighbours -----------------------------------------------------------------------------------------------------

in_folder neighbours
chmod 777 .
free_port
other=()
if [ "$(id -u)" -eq 0 ]; then
	other=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
fi
run a "${other[@]}" "$rosenpass" exchange public-key "$keys/alice.pk" secret-key "$keys/alice.sk" \
	listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile a
pid_a=$pid
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "run by an ordinary user" agree a b
check "it runs as that user" [ "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid_a/status")" -ne 0 ]
for file in mem maps environ; do
	check "its /proc/PID/$file belongs to root" [ "$(stat -c %u "/proc/$pid_a/$file")" -eq 0 ]
done
check "others of that user cannot read its memory map" \
	bash -c '! "$@" 2>/dev/null' - "${other[@]}" cat "/proc/$pid_a/maps"
check "no core dumps, and nobody can allow them again" \
	grep -qE '^Max core file size +0 +0 ' "/proc/$pid_a/limits"
check "neighbours: both end with 0" ends TERM "$pid_a" "$pid"

# --- junk -----------------------------------------------------------------------------------------------------------

in_folder junk
free_port
start a alice verbose listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile a
pid_a=$pid

# The lengths of all messages, those beside them, and the most that fits: in turn random, and with a fitting type in front.
junk_lengths=(1 4 63 64 65 175 176 177 1059 1060 1061 1091 1092 1093 1099 1100 1101 1131 1132 1133 4000 60000 65507)
sent=0
junk()
{
	local count=$1 i length type

	for ((i = 0; i < count; i++)); do
		length=${junk_lengths[sent % ${#junk_lengths[@]}]}
		case $length in
		1060 | 1092) type=81 ;;
		1100 | 1132) type=82 ;;
		176) type=83 ;;
		64) type=84 ;;
		*) type=86 ;;
		esac
		{
			if [ $((sent % 2)) -eq 1 ] && [ "$length" -ge 4 ]; then
				printf "\\x$type\\0\\0\\0"
				length=$((length - 4))
			fi
			head -c "$length" /dev/urandom
		} >datagram
		# One write, one datagram.
		dd if=datagram bs=65536 count=1 >"/dev/udp/127.0.0.1/$port" 2>/dev/null
		sent=$((sent + 1))
	done
	within "$wait_seconds" seen
}

seen()
{
	[ "$(grep -cE 'debug: [0-9]+ bytes from ' a.err)" -eq "$sent" ]
}

resident()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid_a/status"
}

descriptors()
{
	find "/proc/$pid_a/fd" -type l | wc -l
}

within 10 grep -q info: a.err
check "50 datagrams of junk are looked at" junk 50
memory=$(resident)
files=$(descriptors)
check "50 more are looked at" junk 50
check "most of them are no messages" grep -q 'not a message of this protocol' a.err
check "some look like one, to somebody else" grep -q 'not addressed to this key' a.err
check "none of them gets an answer or gives a key" bash -c '! grep -qE "answered|accepted|exchanged" a.err && [ ! -s a.out ]'
check "resident memory stays ($memory KiB, then $(resident))" [ "$(resident)" -le $((memory + 64)) ]
check "the number of descriptors stays" [ "$(descriptors)" -eq "$files" ]
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "after the junk: both sides agree" agree a b
check "after the junk: both end with 0" ends TERM "$pid_a" "$pid"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
