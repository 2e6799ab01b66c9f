# What the tests of VPNs share; sourced after common.bash with RP, RP_FAST and ROSENPASS as arguments. Two network namespaces
# $a and $b with a cable between them, in which interfaces have these names too, and keys of alice and bob.
# shellcheck shell=bash
# shellcheck disable=SC2034

is_root || { echo "needs root for network namespaces"; exit 77; }
for needed in wireguard-go wg ip ping pgrep; do
	command -v "$needed" >/dev/null || { echo "needs $needed"; exit 77; }
done
[ -c /dev/net/tun ] || { echo "needs /dev/net/tun"; exit 77; }
ip netns add "rp-probe-$$" 2>/dev/null || { echo "no network namespaces here"; exit 77; }
ip netns del "rp-probe-$$"

program "$1" rp
rp=$program
program "$2" rp_fast
fast=$program
program "$3" rosenpass
rosenpass=$program
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go
unset ROSENPASS_TEST_CLOCK_SCALE
# Sockets of user space are in one folder for all namespaces: names of interfaces are our own.
a=rpa$(($$ % 100000))
b=rpb$(($$ % 100000))

before_clean_up()
{
	local name

	# What is in a namespace goes with it.
	for name in "$a" "$b"; do
		ip netns pids "$name" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
		ip netns del "$name" 2>/dev/null
		# A device of user space that was killed leaves its socket behind.
		rm -f "/var/run/wireguard/$name"{,[a-z]}.sock
	done
}

ip netns add "$a" && ip netns add "$b" &&
	ip link add va netns "$a" type veth peer name vb netns "$b" || exit 1
ip -n "$a" addr add 10.99.0.1/24 dev va && ip -n "$b" addr add 10.99.0.2/24 dev vb || exit 1
for name in "$a" "$b"; do
	ip -n "$name" link set lo up
done
ip -n "$a" link set va up && ip -n "$b" link set vb up || exit 1

in_a()
{
	ip netns exec "$a" "$@"
}
in_b()
{
	ip netns exec "$b" "$@"
}

for name in alice bob; do
	check "rp genkey $name" "$rp" genkey "$name"
	check "rp pubkey $name" "$rp" pubkey "$name" "$name.pub"
done

# server, peer: the two ends, with wireguard-go below them.
server()
{
	run server ip netns exec "$a" "${program_in_use:-$rp}" exchange alice dev "$a" ip fd00::1/64,10.77.0.1/24 \
		listen 10.99.0.1:9999 peer bob.pub allowed-ips fd00::2,10.77.0.2
	server=$pid
}
peer()
{
	run peer ip netns exec "$b" "${program_in_use:-$rp}" exchange bob dev "$b" ip fd00::2/64,10.77.0.2/24 \
		peer alice.pub endpoint 10.99.0.1:9999 persistent-keepalive 25 allowed-ips fd00::1,10.77.0.1
	peer=$pid
}
# adopt [PRIVATE_KEYS_DIR]: the server, on an interface of somebody else.
adopt()
{
	run server ip netns exec "$a" "$rp" exchange --adopt "${1:-alice}" dev "$a" ip fd00::1/64,10.77.0.1/24 \
		listen 10.99.0.1:9999 peer bob.pub allowed-ips fd00::2,10.77.0.2
	server=$pid
}
psk()
{
	ip netns exec "$1" wg show "$1" preshared-keys 2>/dev/null | cut -f2
}
is_key()
{
	[[ $1 =~ ^[A-Za-z0-9+/]{43}=$ ]]
}
has_psk()
{
	is_key "$(psk "$1")"
}
same_psk()
{
	local key

	key=$(psk "$a")
	is_key "$key" && [ "$key" = "$(psk "$b")" ]
}
# The same where the interface has other peers too.
psk_of_bob()
{
	in_a wg show "$a" preshared-keys | grep -F "$(cat bob.pub/wgpk)" | cut -f2
}
adopted()
{
	is_key "$(psk_of_bob)" && [ "$(psk_of_bob)" = "$(psk "$b")" ]
}
pings()
{
	in_b ping -c 1 -W 1 fd00::1 && in_b ping -c 1 -W 1 10.77.0.1
}
there()
{
	ip -n "$1" link show "$1"
}
no_driver()
{
	! pgrep -f "^[^ ]*wireguard-go -f $1\$"
}
