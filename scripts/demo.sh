#!/usr/bin/env bash
# usage: scripts/demo.sh
# Builds, makes two key pairs, lets two daemons on this machine agree on a key, and compares what both wrote. As root it
# also makes a VPN between two network namespaces and sends a ping through it. Leaves nothing behind but build/demo, and
# nothing running.
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/start.bash"
set -euo pipefail

cd "$root"
build=build/demo
wait_seconds=30
pids=()
namespaces=()
work=

clean_up()
{
	local pid name

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in "${pids[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	pids=()
	for name in "${namespaces[@]}"; do
		ip netns del "$name" 2>/dev/null || true
	done
	namespaces=()
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

# add_namespace NAME: a network of its own, as another machine would have it.
add_namespace()
{
	ip netns add "$1" 2>"$work/namespace.log" || return 1
	namespaces+=("$1")
	ip -n "$1" link set lo up 2>"$work/namespace.log"
}

# start_vpn NAMESPACE WORD...: one end of the VPN.
start_vpn()
{
	local name=$1

	shift
	ip netns exec "$name" "$rp" exchange "$@" >"$work/$name.log" 2>&1 </dev/null &
	pids+=($!)
}

# Two networks with a cable between them stand for two machines.
vpn()
{
	local server="rps$$" client="rpc$$" deadline name

	if [ "$(id -u)" -ne 0 ]; then
		echo "Not root: the VPN with a ping through it is left out."
		return 0
	fi
	if ! add_namespace "$server" || ! add_namespace "$client" ||
		! ip link add rp-cable netns "$server" type veth peer name rp-cable netns "$client" 2>"$work/namespace.log"; then
		echo "This system gives no network namespaces ($(tail -n 1 "$work/namespace.log")): the VPN is left out."
		return 0
	fi
	ip -n "$server" address add 10.9.0.1/24 dev rp-cable
	ip -n "$client" address add 10.9.0.2/24 dev rp-cable
	for name in "$server" "$client"; do
		ip -n "$name" link set rp-cable up
	done

	echo "Making a VPN between two network namespaces"
	for name in server client; do
		"$rp" genkey "$work/$name-keys" >"$work/genkey.log" 2>&1 || fail "rp genkey failed"
		"$rp" pubkey "$work/$name-keys" "$work/$name-pub" >"$work/genkey.log" 2>&1 || fail "rp pubkey failed"
	done
	start_vpn "$server" "$work/server-keys" dev "$server" ip fd00:9::1/64 listen 10.9.0.1:9999 \
		peer "$work/client-pub" allowed-ips fd00:9::2
	start_vpn "$client" "$work/client-keys" dev "$client" ip fd00:9::2/64 \
		peer "$work/server-pub" endpoint 10.9.0.1:9999 allowed-ips fd00:9::1
	deadline=$((SECONDS + wait_seconds))
	until ip netns exec "$client" ping -c 1 -W 1 fd00:9::1 >"$work/ping.log" 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || fail "no answer through the tunnel after $wait_seconds seconds"
		for pid in "${pids[@]}"; do
			kill -0 "$pid" 2>/dev/null || fail "an end of the VPN ended by itself"
		done
		sleep 0.2
	done
	ip netns exec "$client" ping -c 3 -i 0.2 fd00:9::1 | sed -n '/bytes from/s/^/  /p'
	ip netns exec "$client" "$rp" status "$client" | sed 's/^/  /'
}

scripts/setup.sh --for=demo

work=$(mktemp -d)
# Nothing of these daemons stays, neither where their peers were nor the directory of their control sockets.
export STATE_DIRECTORY= RUNTIME_DIRECTORY=$work
echo "Building in $build"
if [ ! -f "$build/build.ninja" ]; then
	meson setup "$build" -Dtests=disabled >"$work/build.log" 2>&1 || fail "meson setup failed"
fi
ninja -C "$build" >"$work/build.log" 2>&1 || fail "the build failed"
rm -f "$work/build.log"
rosenpass=$PWD/$build/src/rosenpass/rosenpass
rp=$PWD/$build/src/rp/rp

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
vpn
clean_up
echo "All that was started was ended, and the keys removed."
