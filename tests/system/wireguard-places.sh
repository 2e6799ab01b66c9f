#!/usr/bin/env bash
# usage: wireguard-places.sh ROSENPASS RP
# A WireGuard device that cannot be reached: not there, of another kind, in another network namespace, served by a program
# whose socket is closed, gone or not visible. Each gets a line that says so. Needs root, namespaces, wireguard-go and
# wg; else it is skipped (77). The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"

# It works in namespaces of its own, which end with it whatever ends it: networks, mounts and processes.
if [ "${1-}" != inside ]; then
	for needed in wireguard-go wg ip setpriv; do
		command -v "$needed" >/dev/null || { echo "skipped: $needed is not installed"; exit 77; }
	done
	[ -c /dev/net/tun ] || { echo "skipped: this system has no /dev/net/tun"; exit 77; }
	own=(unshare --net --mount --pid --fork --kill-child --mount-proc)
	if ! "${own[@]}" bash -c 'mount -t tmpfs tmpfs /run && ip netns add one && ip link add up type veth peer name down' 2>/dev/null; then
		echo "skipped: namespaces with virtual links (unshare, ip, veth) need root and a system that allows them"
		exit 77
	fi
	exec "${own[@]}" bash "$root/tests/system/wireguard-places.sh" inside "$@"
fi
shift
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
mount -t tmpfs tmpfs /run && chmod 755 /run || exit 1

program "$1" rosenpass
rosenpass=$program
program "$2" rp
rp=$program
in_folder places
chown -R 1234:1234 "$keys" .
ip link set lo up
peer=$(wg genkey | wg pubkey)
sockets=/var/run/wireguard
as_user=(setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin
	--bounding-set=-all,+net_admin)

# says WORDS PATTERN DEVICE COMMAND...: a daemon that is started by the command logs this about the device.
says()
{
	local words=$1 pattern=$2 device=$3

	shift 3
	export RUNTIME_DIRECTORY=$PWD
	run daemon "$@" "$rosenpass" exchange --name daemon public-key "$keys/alice.pk" secret-key "$keys/alice.sk" \
		peer public-key "$keys/bob.pk" wireguard "$device" "$peer"
	check "$words" within 10 grep -qE -- "$pattern" daemon.err
	check "$words: it waits" not gone "$pid"
	check "$words: it ends with 0" ends TERM "$pid"
}

says "no interface" 'warn: .*wgx is not there yet \(there is no interface of that name\)' wgx env
WG_PROCESS_FOREGROUND=1 run driver wireguard-go -f wgx
driver=$pid
within 10 [ -S "$sockets/wgx.sock" ]
wg set wgx peer "$peer"
says "served, and ours" 'info: exchanging keys' wgx env
check "served, and ours: no complaint" not grep -qE 'WireGuard|wgx' daemon.err
says "a socket that only root can open" \
	"error: WireGuard's wgx: a program serves it, and only root .* socket $sockets/wgx.sock" wgx "${as_user[@]}"
chmod 700 "$sockets"
says "a directory that only root can look into" \
	"error: wgx is no interface of WireGuard in the kernel, and this user may not look into $sockets" wgx "${as_user[@]}"
chmod 755 "$sockets"
mv "$sockets/wgx.sock" /run/kept.sock
says "no socket" "error: wgx is no interface of WireGuard in the kernel, and no program .* $sockets/wgx.sock" wgx env
rmdir "$sockets"
says "no directory of sockets" "error: wgx is no interface of WireGuard in the kernel, and there is no directory $sockets" wgx env
"$rp" genkey private
"$rp" exchange private dev wgx --adopt >rp.out 2>rp.err
check "rp --adopt, no directory of sockets: status" [ $? -eq 1 ]
check "rp --adopt, no directory of sockets: says so" grep -q "interface wgx: it is no interface of WireGuard.* there is no directory $sockets" rp.err
mkdir "$sockets" && mv /run/kept.sock "$sockets/wgx.sock"

ip netns add other
ip link set wgx netns other
says "a device of user space in another network namespace" \
	'warn: .*wgx is not there yet \(a program serves it in another network namespace' wgx env
says "started in that namespace" 'info: exchanging keys' wgx ip netns exec other
check "started in that namespace: no complaint" not grep -qE 'WireGuard|wgx' daemon.err
says "no interface here, and other namespaces" \
	'warn: .*wgy is not there yet \(there is none in this network namespace; ip netns lists others' wgy env
kill -KILL "$driver"
wait "$driver" 2>/dev/null
ip tuntap add wgx mode tun 2>/dev/null
says "a socket that nobody listens on" 'error: wgx is no interface of WireGuard in the kernel, and no program answers at' wgx env
says "an interface of another kind" 'error: lo is no interface of WireGuard in the kernel' lo env

finish
