#!/usr/bin/env bash
# usage: daemon.sh ROSENPASS
# What daemons go through in their life: several peers, both sides calling at once, restarts, junk from the network,
# nosy neighbours. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program

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

cp a before
check "the calling side ends with 0" ends TERM "$pid_b"
start "${client[@]}"
pid_b=$pid
check "the calling side came back: a new key in ten seconds" within 10 new_key a b before

# Who waits cannot know that it should be called; whoever comes back and has an endpoint calls.
cp a before
check "a side that calls too ends with 0" ends TERM "$pid_a"
start "${server[@]}" endpoint "127.0.0.1:$port"
pid_a=$pid
check "it came back: a new key in ten seconds" within 10 new_key a b before
{ kill -KILL "$pid_b" && wait "$pid_b"; } 2>/dev/null
cp a before
start "${client[@]}"
pid_b=$pid
check "killed and started again: a new key in ten seconds" within 10 new_key a b before
check "after the restarts: both end with 0" ends INT "$pid_a" "$pid_b"

# --- outfiles that are links ----------------------------------------------------------------------------------------

in_folder links
free_port
echo "not a key" >target
ln -s target link
start a alice listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile link
pid_a=$pid
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "an outfile that is a link" agree link b
check "it is still one" test -L link
check "where it leads to is the key" is_base64_key target
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
# stream PROCESS NUMBER
stream()
{
	readlink "/proc/$1/fd/$2"
}
for number in 0 1 2; do
	is_root || break
	check "no file and no socket has the number $number" [ "$(stream "$pid_a" "$number")" = /dev/null ]
	# What the engine process says goes through the monitor process.
	expected=/dev/null
	[ "$number" != 2 ] || expected='pipe:*'
	# shellcheck disable=SC2053
	check "nor in the engine process" eval '[[ $(stream "$(engine_of "$pid_a")" "$number") == $expected ]]'
done
check "without standard streams: both end with 0" ends TERM "$pid_a" "$pid"

# --- neighbours -----------------------------------------------------------------------------------------------------

in_folder neighbours
chmod 777 .
free_port
other=()
if is_root; then
	chmod 777 "$RUNTIME_DIRECTORY"
	chown 65534 "$keys/alice.sk"
	other=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
fi
run a "${other[@]}" "$rosenpass" exchange public-key "$keys/alice.pk" secret-key "$keys/alice.sk" \
	listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile a
pid_a=$pid
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "run by an ordinary user" agree a b
engine=$(engine_of "$pid_a")
check "it has an engine process" [ -n "$engine" ]
for process in "$pid_a" "$engine"; do
	check "process $process runs as that user" [ "$(awk '$1 == "Uid:" { print $2 }' "/proc/$process/status")" -ne 0 ]
	for file in mem maps environ; do
		check "its /proc/PID/$file belongs to root" [ "$(stat -c %u "/proc/$process/$file")" -eq 0 ]
	done
	check "others of that user cannot read its memory map" \
		bash -c '! "$@" 2>/dev/null' - "${other[@]}" cat "/proc/$process/maps"
	check "no core dumps, and nobody can allow them again" \
		grep -qE '^Max core file size +0 +0 ' "/proc/$process/limits"
done
check "neighbours: both end with 0" ends TERM "$pid_a" "$pid"

# --- junk -----------------------------------------------------------------------------------------------------------

in_folder junk
free_port
RUST_LOG=trace start a alice listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" outfile a
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
	[ "$(grep -cE 'trace: engine: [0-9]+ bytes from ' a.err)" -eq "$sent" ]
}

within 10 grep -q info: a.err
check "50 datagrams of junk are looked at" junk 50
engine=$(engine_of "$pid_a")
memory=$(resident "$engine")
files=$(descriptors "$engine")
check "50 more are looked at" junk 50
check "most of them are no messages" grep -q 'not a message of this protocol' a.err
check "some look like one, to somebody else" grep -q 'not addressed to this key' a.err
check "none of them gets an answer or gives a key" bash -c '! grep -qE "answered|accepted|exchanged" a.err && [ ! -s a.out ]'
check "resident memory stays ($memory KiB, then $(resident "$engine"))" \
	[ "$(resident "$engine")" -le $((memory + 64)) ]
if is_root; then
	check "the number of descriptors stays" [ "$(descriptors "$engine")" -eq "$files" ]
else
	skip "descriptors: needs root"
fi
start b bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile b
check "after the junk: both sides agree" agree a b
check "after the junk: both end with 0" ends TERM "$pid_a" "$pid"

# flood COUNT: datagrams of one byte, as fast as it goes.
flood()
{
	local i

	exec 9>"/dev/udp/127.0.0.1/$port"
	for ((i = 0; i < $1; i++)); do
		printf x >&9
	done 2>/dev/null
	exec 9>&-
}
# Whoever asks for more words gets no line for each datagram of a stranger.
for level in "verbose in a file" -v debug; do
	free_port
	printf 'public_key = "%s"\nsecret_key = "%s"\nlisten = ["127.0.0.1:%s"]\nverbosity = "%s"\n' \
		"$keys/alice.pk" "$keys/alice.sk" "$port" "$([ "$level" = "verbose in a file" ] && echo Verbose || echo Quiet)" >loud.toml
	case $level in
	-v) run loud "$rosenpass" -v exchange-config loud.toml ;;
	debug) RUST_LOG=debug run loud "$rosenpass" exchange-config loud.toml ;;
	*) run loud "$rosenpass" exchange-config loud.toml ;;
	esac
	within 10 grep -q info: loud.err
	before=$(wc -l <loud.err)
	flood 2000
	sleep 1
	check "2000 datagrams, $level: hardly a line" [ "$(($(wc -l <loud.err) - before))" -le 5 ]
	check "2000 datagrams, $level: it ends with 0" ends TERM "$pid"
done
RUST_LOG=trace run loud "$rosenpass" exchange-config loud.toml
within 10 grep -q info: loud.err
flood 2000
left_out()
{
	grep -qE 'trace: engine: [0-9]+ more lines about datagrams were not logged' loud.err
}
check "2000 datagrams, trace: what is left out is counted" within 15 left_out
check "2000 datagrams, trace: not one line each" [ "$(grep -c 'bytes from' loud.err)" -le 1000 ]
check "2000 datagrams, trace: it ends with 0" ends TERM "$pid"

finish
