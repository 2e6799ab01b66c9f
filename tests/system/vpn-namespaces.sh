#!/usr/bin/env bash
# usage: vpn-namespaces.sh RP RP_FAST ROSENPASS ASK
# Two rp whose interfaces have one name in two network namespaces: each has its own control socket, state file and keys. One
# of them is process 1 of a process namespace, and reaps what others leave behind. Needs what vpn.bash needs; else it is
# skipped (77). The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
# shellcheck source=vpn.bash
source "$root/tests/system/vpn.bash"

ask=$(absolute "$4")
mkdir "$work/state"
export STATE_DIRECTORY=$work/state
device=rps$(($$ % 100000))

# A directory of its own for the sockets of WireGuard in user space, which has one for all network namespaces.
# shellcheck disable=SC2016
apart='mkdir -p /var/run/wireguard && mount -t tmpfs tmpfs /var/run/wireguard && exec "$@"'

# shows_delivered NAME: the status of the daemon of that name says that WireGuard has the key.
shows_delivered()
{
	request "$1" '{"command": "status"}' 2>/dev/null | grep -q '"state": *"delivered"'
}

run server ip netns exec "$a" unshare --mount sh -c "$apart" - "$rp" exchange alice dev "$device" ip fd00::1/64,10.77.0.1/24 listen 10.99.0.1:9999 peer bob.pub \
	allowed-ips fd00::2,10.77.0.2
server=$pid
check "the first is there" within "$wait_seconds" test -S "$RUNTIME_DIRECTORY/$device.sock"
# It becomes process 1 when unshare has forked.
run peer ip netns exec "$b" unshare --mount --pid --fork --mount-proc sh -c "$apart" - "$rp" exchange bob dev "$device" ip fd00::2/64,10.77.0.2/24 \
	peer alice.pub endpoint 10.99.0.1:9999 persistent-keepalive 25 allowed-ips fd00::1,10.77.0.1
peer=$pid
check "the second has a socket of its own" within "$wait_seconds" test -S "$RUNTIME_DIRECTORY/$device-$b.sock"
check "the second says how it is called" grep -q "a daemon called $device runs already.*this one is called $device-$b" peer.err
check "the first said nothing of that" not grep -q 'runs already' server.err
check "a ping passes" within "$wait_seconds" in_b ping -c 1 -W 1 fd00::1
check "the first serves status" within 10 shows_delivered "$device"
check "the second serves status" within 10 shows_delivered "$device-$b"
check "each of them is another process" [ "$(value "$device" pid)" != "$(value "$device-$b" pid)" ]
check "each has a state file" within 10 test -s "$STATE_DIRECTORY/$device-$b.peers"

# What others leave behind in its process namespace.
first=$(children "$peer" | head -n 1)
check "the second is process 1" [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$first/status")" = 1 ]
leave_orphans()
{
	nsenter --target "$first" --pid --mount sh -c 'for i in 1 2 3; do sh -c "sleep 0.2 &"; done'
}
check "processes are left behind" leave_orphans
orphans()
{
	local process

	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/ns/pid" 2>/dev/null)" = "$(readlink "/proc/$first/ns/pid")" ] &&
			grep -qE '^State:.*(zombie)' "$process/status" 2>/dev/null && echo "$process"
	done
	return 0
}
sleep 1
none_left()
{
	local left

	left=$(orphans)
	[ -z "$left" ] || { echo "$left"; false; }
}
check "no zombie is left" none_left
kill -TERM "$first"
check "SIGTERM ends the second with 0" exits 0 "$peer"
check "its socket is gone" not test -e "$RUNTIME_DIRECTORY/$device-$b.sock"
check "that of the first is there" test -S "$RUNTIME_DIRECTORY/$device.sock"
check "the first ends with 0" ends TERM "$server"

finish
