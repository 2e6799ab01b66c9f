#!/usr/bin/env bash
# usage: hostile-engine.sh ROSENPASS ASK HOSTILE_ENGINE
# An engine process that was taken over (hostile_engine.c) attacks the monitor, which has to go on: it serves status and
# SIGTERM, its log stays short and clean, and its share of the processor small. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

rosenpass=$(absolute "$1")
ask=$(absolute "$2")
module=$(absolute "$3")

# hostile MODE: a daemon whose engine process is hostile in that way.
hostile()
{
	free_port
	run "$1" env LD_PRELOAD="$module" HOSTILE_MODE="$1" "$rosenpass" exchange --name "$1" verbose \
		public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
		peer public-key "$keys/bob.pk" endpoint "localhost:$port" outfile "$1.bob" \
		peer public-key "$keys/carol.pk" outfile "$1.carol"
	daemon=$pid
}

# few LINES FILE: the log is no longer than that.
few()
{
	local lines

	lines=$(wc -l <"$2")
	[ "$lines" -le "$1" ] || { echo "$lines lines"; tail -n 5 "$2"; false; }
}

# Hundredths of a second of the processor that a process has used.
used()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# quiet PID: takes less than a quarter of a processor for three seconds.
quiet()
{
	local before

	before=$(used "$1")
	sleep 3
	[ $(($(used "$1") - before)) -lt 75 ] || { echo "$(($(used "$1") - before)) hundredths of a second"; false; }
}

serves()
{
	request "$1" '{"command": "status"}' status.name | grep -q .
}

# ends_soon PID: within five seconds of SIGTERM, the three seconds included that the engine process has.
ends_soon()
{
	kill -TERM "$1" && within 6 gone "$1"
}

for mode in flood log; do
	hostile $mode
	check "$mode: the daemon starts" within "$wait_seconds" grep -q 'exchanging keys with 2 peers' $mode.err
	check "$mode: the processor is left alone" quiet "$daemon"
	for i in 1 2 3; do
		check "$mode: status is served ($i)" within 10 serves $mode
	done
	check "$mode: it ends at SIGTERM" ends_soon "$daemon"
done
check "flood: few lines" few 300 flood.err
check "flood: it is said" grep -q 'the engine process says more than it should' flood.err
check "log: no more than 400 lines a second" few 8000 log.err
# shellcheck disable=SC2016
check "log: no escape sequences" not grep -q "$(printf '\033')" log.err
check "log: forged lines carry a mark" not grep -q '^[^e]*rosenpass: peer bob: exchanged a key' <(grep -v 'engine: ' log.err)

hostile slow
# It has not taken its name.
has_child()
{
	children "$1" | grep -q .
}
check "slow: the engine process is there" within "$wait_seconds" has_child "$daemon"
sleep 1
check "slow: it ends at SIGTERM" ends_soon "$daemon"
check "slow: by request" grep -q 'asked to end' slow.err

hostile memory
check "memory: the daemon starts" within "$wait_seconds" grep -q 'exchanging keys with 2 peers' memory.err
check "memory: there was an end" grep -Eq 'engine: took [0-9]{2,3} MiB' memory.err
check "memory: status is served" within 10 serves memory
check "memory: it ends at SIGTERM" ends TERM "$daemon"

finish
