#!/usr/bin/env bash
# usage: scripts/demo.sh
# Builds, makes two key pairs, lets two daemons on this machine agree on a key, and compares what both wrote.
# Leaves nothing behind but build/demo, and nothing running.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/demo
wait_seconds=30
pids=()
work=

clean_up()
{
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in "${pids[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	pids=()
	[ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail()
{
	local log

	echo "demo: $*" >&2
	for log in "$work"/*.log; do
		if [ -s "$log" ]; then
			echo "--- ${log##*/} (last lines)" >&2
			tail -n 40 "$log" >&2
		fi
	done
	exit 1
}

# A UDP port of the loopback interface that nobody holds right now.
free_port()
{
	local port hex table try

	table=$(cat /proc/net/udp /proc/net/udp6 2>/dev/null || true)
	for ((try = 0; try < 100; try++)); do
		port=$((20000 + RANDOM % 12000))
		printf -v hex ':%04X ' "$port"
		case $table in
		*"$hex"*) ;;
		*)
			echo "$port"
			return 0
			;;
		esac
	done
	return 1
}

start()
{
	local name=$1

	shift
	"$rosenpass" exchange "$@" >"$work/$name.log" 2>&1 </dev/null &
	pids+=($!)
}

scripts/setup.sh --for=build

work=$(mktemp -d)
echo "Building in $build"
if [ ! -f "$build/build.ninja" ]; then
	meson setup "$build" -Dtests=disabled >"$work/build.log" 2>&1 || fail "meson setup failed"
fi
ninja -C "$build" >"$work/build.log" 2>&1 || fail "the build failed"
rm -f "$work/build.log"
rosenpass=$PWD/$build/src/rosenpass/rosenpass

echo "Making two key pairs"
for name in server client; do
	"$rosenpass" gen-keys --public-key="$work/$name-public" --secret-key="$work/$name-secret" \
		>"$work/gen-keys.log" 2>&1 || fail "rosenpass gen-keys failed"
done

server_port=$(free_port) || fail "found no free UDP port"
client_port=$(free_port) || fail "found no free UDP port"
while [ "$client_port" = "$server_port" ]; do
	client_port=$(free_port) || fail "found no free UDP port"
done

echo "Starting two daemons on 127.0.0.1, ports $server_port and $client_port"
start server secret-key "$work/server-secret" public-key "$work/server-public" \
	listen "127.0.0.1:$server_port" \
	peer public-key "$work/client-public" outfile "$work/server-sharedkey"
start client secret-key "$work/client-secret" public-key "$work/client-public" \
	listen "127.0.0.1:$client_port" \
	peer public-key "$work/server-public" endpoint "127.0.0.1:$server_port" outfile "$work/client-sharedkey"

# Each daemon hands a key out once it has one; the client's comes last. Until both wrote the same, wait.
same=no
deadline=$((SECONDS + wait_seconds))
while [ "$SECONDS" -lt "$deadline" ]; do
	if [ -s "$work/server-sharedkey" ] && cmp -s "$work/server-sharedkey" "$work/client-sharedkey"; then
		same=yes
		break
	fi
	for pid in "${pids[@]}"; do
		kill -0 "$pid" 2>/dev/null || fail "a daemon ended by itself"
	done
	sleep 0.1
done

[ "$same" = yes ] || fail "no common key after $wait_seconds seconds"
[ "$(wc -c <"$work/server-sharedkey")" -eq 44 ] || fail "a key file does not hold 44 characters of base64"
echo "Both hold the same key ($(stat -c 'mode %a' "$work/server-sharedkey"), 44 characters of base64)."
clean_up
echo "Both daemons were ended and the keys removed."
