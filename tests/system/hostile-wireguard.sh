#!/usr/bin/env bash
# usage: hostile-wireguard.sh ROSENPASS ASK HOSTILE_ENGINE
# An engine process that was taken over says that all peers are at addresses of its choice. WireGuard, here wireguard-go, gets
# none of them: an endpoint is one to which the peer's name resolves, or that stands in the configuration. Needs root,
# namespaces, wireguard-go and wg; else it is skipped (77). The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"

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
	if ! "${own[@]}" bash -c 'mount -t tmpfs tmpfs /run && ip link set lo up' 2>/dev/null; then
		echo "skipped: namespaces (unshare, ip) need root and a system that allows them"
		exit 77
	fi
	exec "${own[@]}" bash "$root/tests/system/hostile-wireguard.sh" inside "$@"
fi
shift
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
mount -t tmpfs tmpfs /run && ip link set lo up || exit 1

rosenpass=$(absolute "$1")
ask=$(absolute "$2")
module=$(absolute "$3")
named=$(wg genkey | wg pubkey)
nameless=$(wg genkey | wg pubkey)
fixed=$(wg genkey | wg pubkey)

WG_PROCESS_FOREGROUND=1 run driver wireguard-go -f wg0
driver=$pid
check "wireguard-go is there" within 10 wg show wg0
wg genkey >private
wg set wg0 private-key private peer "$named" peer "$nameless" peer "$fixed"
ip link set wg0 up

check "a third key pair" "$rosenpass" gen-keys --public-key dave.pk --secret-key dave.sk
free_port
cat >moved.toml <<END
public_key = "$keys/alice.pk"
secret_key = "$keys/alice.sk"
listen = ["127.0.0.1:$port"]
before_first_exchange = "block"

[[peers]]
public_key = "$keys/bob.pk"
endpoint = "localhost:$port"
device = "wg0"
peer = "$named"
extra_params = ["endpoint", "localhost:51821"]

[[peers]]
public_key = "$keys/carol.pk"
device = "wg0"
peer = "$nameless"

[[peers]]
public_key = "$work/dave.pk"
device = "wg0"
peer = "$fixed"
extra_params = ["endpoint", "127.0.0.2:51822"]
END

run moved env LD_PRELOAD="$module" HOSTILE_MODE=moved "$rosenpass" exchange-config moved.toml
daemon=$pid

# endpoint_of PEER, key_of PEER: as WireGuard has them.
endpoint_of()
{
	wg show wg0 endpoints | awk -v peer="$1" '$1 == peer { print $2 }'
}
key_of()
{
	wg show wg0 preshared-keys | awk -v peer="$1" '$1 == peer { print $2 }'
}
# Each key of the hostile engine process is one byte over and over.
has_its_key()
{
	key_of "$1" | base64 -d 2>/dev/null | od -An -v -tu1 -w1 | sort -u | wc -l | grep -qx 1
}
for peer in "$named" "$nameless" "$fixed"; do
	check "WireGuard has a key of the hostile engine process" within "$wait_seconds" has_its_key "$peer"
done
has_named()
{
	[[ $(endpoint_of "$named") == @(127.0.0.1|\[::1\]):51821 ]]
}
check "the endpoint is one of the name's" within "$wait_seconds" has_named
has_fixed()
{
	[ "$(endpoint_of "$fixed")" = 127.0.0.2:51822 ]
}
check "the endpoint is that of the configuration" within 10 has_fixed
# It goes on for a while.
stays()
{
	for _ in {1..30}; do
		if ! has_named || ! has_fixed || [ "$(endpoint_of "$nameless")" != "(none)" ]; then
			wg show wg0 endpoints
			return 1
		fi
		sleep 0.2
	done
}
check "no endpoint is another one for six seconds" stays
check "no address of the hostile engine process is anywhere" not grep -q '203\.0\.113\.' <(wg show wg0 dump)
check "it has told of its addresses" grep -q '203\.0\.113\.' moved.err
check "it ends at SIGTERM" ends TERM "$daemon"
kill "$driver"
finish
