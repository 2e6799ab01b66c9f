#!/usr/bin/env bash
# usage: wg-quick.sh ROSENPASS
# rosenpass exchange-config beside wg-quick, as the units rosenpass@NAME and wg-quick@NAME run them: in two network
# namespaces, with interfaces that come and go. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

is_root || { echo "needs root for network namespaces"; exit 77; }
for needed in wireguard-go wg wg-quick ip ping; do
	command -v "$needed" >/dev/null || { echo "needs $needed"; exit 77; }
done
[ -c /dev/net/tun ] || { echo "needs /dev/net/tun"; exit 77; }
ip netns add "rp-probe-$$" 2>/dev/null || { echo "no network namespaces here"; exit 77; }
ip netns del "rp-probe-$$"

program "$1" rosenpass
rosenpass=$program
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go
unset WG_PROCESS_FOREGROUND
# Sockets of user space are in one folder for all namespaces: names of interfaces are our own.
a=qa$(($$ % 100000))
b=qb$(($$ % 100000))

before_clean_up()
{
	local name

	for name in "$a" "$b"; do
		ip netns pids "$name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
		ip netns del "$name" 2>/dev/null
	done
}
ip netns add "$a" && ip netns add "$b" &&
	ip link add va netns "$a" type veth peer name vb netns "$b" || exit 1
ip -n "$a" addr add 10.98.0.1/24 dev va && ip -n "$b" addr add 10.98.0.2/24 dev vb || exit 1
ip -n "$a" link set va up && ip -n "$b" link set vb up || exit 1

private_a=$(wg genkey)
private_b=$(wg genkey)
public_a=$(wg pubkey <<<"$private_a")
public_b=$(wg pubkey <<<"$private_b")
umask 077
cat >"$a.conf" <<END
[Interface]
PrivateKey = $private_a
ListenPort = 51820
Address = 10.88.0.1/24

[Peer]
PublicKey = $public_b
AllowedIPs = 10.88.0.2/32
END
cat >"$b.conf" <<END
[Interface]
PrivateKey = $private_b
Address = 10.88.0.2/24

[Peer]
PublicKey = $public_a
AllowedIPs = 10.88.0.1/32
Endpoint = 10.98.0.1:51820
END
# As rosenpass@NAME.service reads it: everything about the tunnel itself is in wg-quick's file.
cat >"$a.toml" <<END
public_key = "$keys/alice.pk"
secret_key = "$keys/alice.sk"
listen = ["10.98.0.1:9999"]

[[peers]]
name = "b"
public_key = "$keys/bob.pk"
device = "$a"
peer = "$public_b"
END
cat >"$b.toml" <<END
public_key = "$keys/bob.pk"
secret_key = "$keys/bob.sk"
listen = []

[[peers]]
name = "a"
public_key = "$keys/alice.pk"
endpoint = "10.98.0.1:9999"
device = "$b"
peer = "$public_a"
END

# quick up|down NAMESPACE
quick()
{
	ip netns exec "$2" wg-quick "$1" "./$2.conf" >"quick-$2.log" 2>&1
}
daemon()
{
	run "daemon-$1" ip netns exec "$1" "$rosenpass" exchange-config "$1.toml"
}
psk()
{
	ip netns exec "$1" wg show "$1" preshared-keys 2>/dev/null | cut -f2
}
same_psk()
{
	local key

	key=$(psk "$a")
	[[ $key =~ ^[A-Za-z0-9+/]{43}=$ ]] && [ "$key" = "$(psk "$b")" ]
}
pings()
{
	ip netns exec "$b" ping -c 1 -W 1 10.88.0.1
}

check "validate: both files are right" eval '"$rosenpass" validate "$a.toml" "$b.toml"'
check "wg-quick up" quick up "$a"
check "wg-quick up, the other side" quick up "$b"
check "without rosenpass there is no preshared key" [ "$(psk "$a")" = "(none)" ]
daemon "$a"
one=$pid
daemon "$b"
two=$pid
check "both interfaces hold the same key" within 20 same_psk
check "ping" within 20 pings
check "status names interface and peer" eval '"$rosenpass" status "$a" | grep -qF "wireguard: $a $public_b has the key"'

# wg-quick down and up: a new interface, without any preshared key in its file.
key=$(psk "$a")
check "wg-quick down" quick down "$a"
check "the daemon goes on" kill -0 "$one"
check "wg-quick up again" quick up "$a"
check "the new interface has the key" within 5 eval '[ "$(psk "$a")" = "$key" ]'
check "ping again" within 40 pings

# syncconf takes preshared keys away that its file does not have.
ip netns exec "$b" wg syncconf "$b" <(ip netns exec "$b" wg-quick strip "./$b.conf")
check "wg syncconf: the key comes back" within 25 same_psk

# The other order: the daemon is there before the interface.
check "SIGTERM: both end with 0" ends TERM "$one" "$two"
check "wg-quick down" quick down "$a"
check "wg-quick down, the other side" quick down "$b"
daemon "$a"
one=$pid
daemon "$b"
two=$pid
check "no interface: said" within 5 grep -q "$a is not there yet" "daemon-$a.err"
check "wg-quick up" quick up "$a"
check "wg-quick up, the other side" quick up "$b"
check "both interfaces hold the same key" within 20 same_psk
check "ping" within 20 pings
check "SIGTERM: both end with 0" ends TERM "$one" "$two"
quick down "$a"
quick down "$b"

finish
