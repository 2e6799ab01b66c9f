#!/usr/bin/env bash
# usage: wireguard-go.sh WIREGUARD_PROBE
# What the library sets on a device of wireguard-go, seen by wg, and the other way round: 2,000 peers, preshared keys,
# peers and devices that are not there. Needs root, namespaces, wireguard-go and wg; else it is skipped (77). The
# last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"

# It works in namespaces of its own, which end with it whatever ends it: networks, mounts and processes.
if [ "${1-}" != inside ]; then
	for needed in wireguard-go wg ip; do
		if ! command -v "$needed" >/dev/null; then
			echo "skipped: $needed is not installed"
			exit 77
		fi
	done
	if ! [ -c /dev/net/tun ]; then
		echo "skipped: this system has no /dev/net/tun"
		exit 77
	fi
	own=(unshare --net --mount --pid --fork --kill-child --mount-proc)
	if ! "${own[@]}" bash -c 'mount -t tmpfs tmpfs /run && ip link add up type veth peer name down' 2>/dev/null; then
		echo "skipped: namespaces with virtual links (unshare, ip, veth) need root and a system that allows them"
		exit 77
	fi
	exec "${own[@]}" bash "$root/tests/system/wireguard-go.sh" inside "$@"
fi
shift
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
# Sockets of devices are below it, and these are nobody else's.
mount -t tmpfs tmpfs /run || exit 1

program "$1" wireguard_probe
probe=$program
sockets=/var/run/wireguard
peer=$(wg genkey | wg pubkey)
other=$(wg genkey | wg pubkey)

# start_device NAME: wireguard-go in the foreground, in the background; its process id in $pid.
start_device()
{
	run "$1" wireguard-go -f "$1"
	check "$1 is there" within 10 wg show "$1"
}

# fails NAME COMMAND...: with that error, and nothing else is said.
fails()
{
	local name=$1 said

	shift
	said=$("$@" 2>&1) && return 1
	[ "$said" = "$name" ] || { echo "$said"; false; }
}

# lines COLUMN: of a dump, the device and each peer, and each prefix of a peer, in an order that depends on nothing else.
# The keepalive stands in that column.
lines()
{
	awk -v column="$1" 'NR == 1 { print; next }
		{ print $1, $2, $3, $column; n = split($4, prefixes, ","); for (i = 1; i <= n; i++) print $1, prefixes[i] }' |
		sort
}

# same DEVICE: the library and wg see the same, times and counts aside.
same()
{
	diff <(wg show "$1" dump | lines 8) <("$probe" get "$1" | lines 5)
}

# has_key PEER KEY: as wg sees it.
has_key()
{
	[ "$(wg show wg0 preshared-keys | grep -F "$1" | cut -f 2)" = "$2" ]
}

# --- nothing there --------------------------------------------------------------------------------------------------

key=$(wg genpsk)
check "no device: get" fails ENODEV "$probe" get wg0
check "no device: psk" fails ENODEV "$probe" psk wg0 "$peer" "$key"

# --- one device -----------------------------------------------------------------------------------------------------

start_device wg0
device=$pid
check "a new device" same wg0
(umask 077 && wg genkey >private)
wg set wg0 private-key private listen-port 51820 fwmark 0xca6c \
	peer "$peer" endpoint 192.0.2.1:1 allowed-ips 10.0.0.0/8,fd00::/8,0.0.0.0/0 persistent-keepalive 25 \
	peer "$other" endpoint '[2001:db8::1]:65535' || exit 1
check "what wg has set is read" same wg0
check "the peer's preshared key is set" "$probe" psk wg0 "$peer" "$key"
check "wg sees it" has_key "$peer" "$key"
check "the other peer has none" has_key "$other" "(none)"
check "the rest is as before" same wg0
check "and it can be changed" "$probe" psk wg0 "$peer" "$(wg genpsk)"
check "wg sees another" not has_key "$peer" "$key"
missing=$(wg genkey | wg pubkey)
check "a peer that is not there" fails ENOENT "$probe" psk wg0 "$missing" "$key"
check "is not made" [ "$(wg show wg0 peers | wc -l)" -eq 2 ]
check "a peer is removed" "$probe" remove wg0 "$other"
check "wg sees one" [ "$(wg show wg0 peers)" = "$peer" ]
check "a peer that is gone" fails ENOENT "$probe" psk wg0 "$other" "$key"
wg set wg0 peer "$peer" remove
check "a device without peers" same wg0

# --- many peers -----------------------------------------------------------------------------------------------------

check "2,000 peers are set and read back" "$probe" many wg0 2000
check "wg sees 2,000" [ "$(wg show wg0 peers | wc -l)" -eq 2000 ]
check "wg sees the same of each" same wg0
check "the preshared key of one of them" "$probe" psk wg0 "$(wg show wg0 peers | sed -n 1234p)" "$key"
check "three replace them" "$probe" many wg0 3
check "wg sees three" [ "$(wg show wg0 peers | wc -l)" -eq 3 ]

# --- trouble --------------------------------------------------------------------------------------------------------

start_device wg1
check "a port that is taken" fails EADDRINUSE "$probe" many wg1 1
kill -STOP "$device"
check "a device that does not answer is given up" fails ETIMEDOUT timeout 10 "$probe" get wg0
kill -CONT "$device"
check "it answers again" "$probe" get wg0
check "wireguard-go ends" ends TERM "$device"
check "the device is gone: get" fails ENODEV "$probe" get wg0
check "the device is gone: psk" fails ENODEV "$probe" psk wg0 "$peer" "$key"
{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
check "a socket was left behind" [ -S "$sockets/wg1.sock" ]
check "nobody is behind it: get" fails ENODEV "$probe" get wg1
check "nobody is behind it: psk" fails ENODEV "$probe" psk wg1 "$peer" "$key"
# A device of that name that is none of WireGuard.
ip link add wg2 type veth peer name wg3
check "an interface of another kind" fails EOPNOTSUPP "$probe" get wg2
finish
