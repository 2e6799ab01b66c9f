#!/usr/bin/env bash
# usage: vpn-faults.sh RP RP_FAST ROSENPASS FIND_BYTES
# What may happen to the interface of a VPN, on WireGuard of user space: others delete it, take it down, put their own in its
# place or own it; rp is killed while it starts; rosenpass gets another configuration. The last line is
# "N passed, N failed".
# shellcheck source=common.bash
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"
# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"
find_bytes=$(absolute "$4")

# What makes up the interface of a VPN, but for what changes by itself.
shape()
{
	echo "public key and port:" "$(in_a wg show "$a" public-key)" "$(in_a wg show "$a" listen-port)"
	echo "peers:" "$(in_a wg show "$a" allowed-ips | tr '\t ' '\n\n' | sort | tr '\n' ' ')"
	ip -n "$a" -o address show dev "$a" scope global | awk '{ print $3, $4 }' | sort
	ip -n "$a" route show dev "$a" | awk '{ print "route", $1 }' | sort
	ip -n "$a" -6 route show dev "$a" | awk '{ print "route", $1 }' | grep -v -e '^route fe80::' -e multicast | sort
}
has_shape()
{
	diff "$1" <(shape)
}
index_of()
{
	ip -n "$a" -o link show "$a" 2>/dev/null | cut -d: -f1
}
is_foreign()
{
	[ "$(index_of)" = "$1" ] && ip -n "$a" -d link show "$a" | grep -q '^ *veth '
}
addresses()
{
	ip -n "$1" -o address show dev "$1" scope global
}

# --- secrets ----------------------------------------------------------------------------------------------------------

server
peer
check "the same key" within 20 same_psk
check "ping" within 20 pings
# rp has it in memory that cannot be read from outside, where the kernel has that; nobody else has it at all.
base64 -d <alice/wgsk >raw
absent()
{
	local pid

	for pid in $(pgrep -f "exchange alice dev $a "); do
		[ "$pid" -eq "$server" ] && continue
		"$find_bytes" "$pid" "$1" 0 "$2" || return 1
	done
}
check "three processes: monitor, engine, guard" [ "$(pgrep -c -f "exchange alice dev $a ")" -eq 3 ]
check "the private key of WireGuard is in neither of the others" absent raw 32
check "nor is its text" absent alice/wgsk 43

# --- deleted, down, replaced ------------------------------------------------------------------------------------------

shape >shape
check "this is its shape" [ "$(wc -l <shape)" -ge 8 ]
for ((i = 0; i < 4; i++)); do
	key=$(psk "$a")
	index=$(index_of)
	ip -n "$a" link del "$a"
	again()
	{
		[ "$(index_of)" != "$index" ] && has_shape shape
	}
	check "deleted: it is the same again" within 10 again
done
check "deleted: the key is the same again" within 5 eval '[ "$(psk "$a")" = "$key" ]'
check "deleted: it is said" grep -q "$a, or a peer of it, was gone; it is there again" server.err
check "deleted: one wireguard-go" [ "$(pgrep -c -f "^[^ ]*wireguard-go -f $a\$")" -eq 1 ]
check "deleted: nobody waits for its parent" [ -z "$(ps -o stat= --ppid "$server" | grep Z)" ]
check "deleted: ping" within 40 pings

in_a wg set "$a" peer "$(cat bob.pub/wgpk)" remove
check "the peer is removed: it is the same again" within 20 has_shape shape
check "the peer is removed: the key is the same" within 5 same_psk
ip -n "$a" address del fd00::1/64 dev "$a"
ip -n "$a" route del 10.77.0.2/32 dev "$a"
check "an address and a route are removed: they are there again" within 20 has_shape shape
check "an address and a route are removed: it is said" grep -q 'has its addresses and routes again' server.err

ip -n "$a" link set "$a" down
check "down: no ping" not pings
status()
{
	in_a "$rosenpass" status "$a" --json | grep -qE "\"$1\": *$2"
}
check "down: status of rp" within 5 eval 'in_a "$rp" status "$a" | grep -q "interface is down"'
check "down: status of rosenpass" within 5 status interface_up false
check "down: it is said in a while" within 40 grep -q "interface $a is down" server.err
ip -n "$a" link set "$a" up
check "up again: addresses and routes" within 20 has_shape shape
check "up again: status" within 5 status interface_up true
check "up again: ping" within 20 pings

# Both at once, so that rp does not come in between.
ip -n "$a" link add rp-foreign type veth peer name rp-foreign-end
ip -n "$a" -batch - <<END
link del $a
link set rp-foreign name $a
END
index=$(index_of)
check "replaced: it is said" within 10 grep -q "interface $a exists" server.err
sleep 2
check "replaced: nothing is done to it" eval 'is_foreign "$index" && [ -z "$(addresses "$a")" ]'
check "replaced: said once" counts 1 "error: interface $a exists" server.err
ip -n "$a" link del "$a"
check "replaced: when it is gone, ours is made again" within 10 has_shape shape
check "replaced: the same key" within 10 same_psk
# One of WireGuard, which has a peer of ours. It is made while rp stands still.
kill -STOP "$server"
ip -n "$a" link del "$a"
within 5 no_driver "$a" >/dev/null
in_a wireguard-go "$a" >/dev/null 2>&1
check "somebody else's interface of WireGuard" within 5 there "$a"
in_a wg set "$a" private-key <(wg genkey) listen-port 10010 peer "$(cat bob.pub/wgpk)" allowed-ips 10.77.0.2/32
index=$(index_of)
shape >foreign
kill -CONT "$server"
said_again()
{
	[ "$(grep -c "error: interface $a exists" server.err)" -eq 2 ]
}
check "replaced by one of WireGuard: it is said" within 10 said_again
sleep 3
check "replaced by one of WireGuard: no key is set" [ "$(in_a wg show "$a" preshared-keys | cut -f2)" = "(none)" ]
check "replaced by one of WireGuard: nothing is set" has_shape foreign
check "replaced by one of WireGuard: status" eval '"$rosenpass" status "$a" | grep -q "its interface is somebody else"'
check "replaced: SIGTERM, both end with 0" ends TERM "$server" "$peer"
check "replaced: it stays" [ "$(index_of)" = "$index" ]
check "replaced: it is as it was" has_shape foreign
ip -n "$a" link del "$a"
check "replaced: no wireguard-go" within 5 no_driver "$a"

ip -n "$a" link add "$a" type veth peer name rp-foreign-end
index=$(index_of)
in_a "$rp" exchange alice dev "$a" peer bob.pub >other.out 2>other.err
check "a foreign interface: exit status 1" [ $? -eq 1 ]
check "a foreign interface: it says what can be done" grep -q "interface $a exists; .*--adopt" other.err
in_a "$rp" exchange --adopt alice dev "$a" peer bob.pub >other.out 2>other.err
check "a foreign interface, --adopt: exit status 1" [ $? -eq 1 ]
check "a foreign interface, --adopt: it says why" grep -q "$a: it is no interface of WireGuard" other.err
check "a foreign interface: it is as it was" is_foreign "$index"
ip -n "$a" link del "$a"

# --- killed while it starts -------------------------------------------------------------------------------------------

left()
{
	pgrep -f "exchange alice dev $a " || pgrep -f "wireguard-go -f $a\$" || there "$a"
}
remains=0
for ((i = 0; i < 25; i++)); do
	server
	printf -v moment '0.%03d' $((i * 7 + 3))
	sleep "$moment"
	{ kill -KILL "$server" && wait "$server"; } 2>/dev/null
	within 5 not left >/dev/null 2>&1 || remains=$((remains + 1))
done
check "kill -9 at 25 moments of its start: nothing remains ($remains)" [ "$remains" -eq 0 ]

# --- an interface of somebody else ---------------------------------------------------------------------------------------

other=$(wg genkey | wg pubkey)
own()
{
	in_a wireguard-go "$a" >/dev/null 2>&1
	within 5 there "$a" >/dev/null || return 1
	in_a wg set "$a" private-key alice/wgsk listen-port 10000 peer "$other" allowed-ips 10.78.0.0/24 \
		peer "$(cat bob.pub/wgpk)" allowed-ips 10.79.0.0/24 &&
		ip -n "$a" address add 10.77.0.1/24 dev "$a" && ip -n "$a" link set "$a" up &&
		ip -n "$a" route add 10.78.0.0/24 dev "$a"
}
adopt()
{
	run server ip netns exec "$a" "$rp" exchange --adopt "${1:-alice}" dev "$a" ip fd00::1/64,10.77.0.1/24 \
		listen 10.99.0.1:9999 peer bob.pub allowed-ips fd00::2,10.77.0.2
	server=$pid
}
psk_of_bob()
{
	in_a wg show "$a" preshared-keys | grep -F "$(cat bob.pub/wgpk)" | cut -f2
}
adopted()
{
	is_key "$(psk_of_bob)" && [ "$(psk_of_bob)" = "$(psk "$b")" ]
}
check "somebody makes an interface" own
shape >owned
"$rp" genkey carol
adopt carol
check "--adopt with another private key: exit status 1" exits 1 "$server"
check "--adopt with another private key: it says so" grep -q "another private key than wgsk" server.err
check "--adopt with another private key: nothing was done" has_shape owned
adopt
peer
check "--adopt: the same key" within 20 adopted
check "--adopt: ping" within 20 pings
check "--adopt: our peer has our allowed ips" eval 'in_a wg show "$a" allowed-ips | grep -F "$(cat bob.pub/wgpk)" | grep -q 10.77.0.2/32'
ip -n "$a" link del "$a"
check "its owner removes it: it is said" within 20 grep -q "interface $a is gone; waiting until its owner" server.err
sleep 3
check "its owner removes it: it is not made" not there "$a"
check "its owner removes it: said once" counts 1 "is gone; waiting" server.err
check "its owner makes it again" own
check "made again: the same key" within 20 adopted
check "made again: ping" within 40 pings
check "--adopt: both end with 0" ends TERM "$server" "$peer"
check "--adopt: the interface stays" there "$a"
check "--adopt: both peers stay" [ "$(in_a wg show "$a" peers | sort)" = "$(printf '%s\n' "$other" "$(cat bob.pub/wgpk)" | sort)" ]
check "--adopt: its address and route stay" eval \
	'addresses "$a" | grep -q 10.77.0.1/24 && [ -n "$(ip -n "$a" route show 10.78.0.0/24)" ]'
check "--adopt: our address and routes are gone" eval \
	'! addresses "$a" | grep -q fd00::1 && [ -z "$(ip -n "$a" route show 10.77.0.2)$(ip -n "$a" -6 route show fd00::2)" ]'
in_a wg set "$a" peer "$(cat bob.pub/wgpk)" remove

# --- a configuration of rp ------------------------------------------------------------------------------------------------

cat >rp.toml <<END
private_keys_dir = "alice"
dev = "$a"
[[peers]]
public_keys_dir = "bob.pub"
allowed_ips = "10.77.0.2"
END
ip -n "$a" link del "$a"
within 5 no_driver "$a" >/dev/null
run configured ip netns exec "$a" "$rp" exchange-config rp.toml
configured=$pid
check "a configuration: it starts" within 10 has_psk "$a"
kill -HUP "$configured"
check "SIGHUP: it says why nothing changes" within 5 grep -q "reads its configuration once" configured.err
check "SIGHUP: it goes on" has_psk "$a"
check "a configuration: it ends with 0" ends TERM "$configured"
"$rp" pubkey carol carol.pub
cat >>rp.toml <<END
[[peers]]
public_keys_dir = "carol.pub"
allowed_ips = "10.77.0.2/32"
END
in_a "$rp" exchange-config rp.toml 2>other.err
check "two peers with one prefix: refused" [ $? -eq 1 ]
check "two peers with one prefix: both are named" grep -q 'peer 2: allowed_ips 10.77.0.2/32 is of peer 1 (bob.pub)' other.err

# --- rosenpass with another configuration -----------------------------------------------------------------------------------

# device NAME PORT: in the other network, with Alice as its peer.
device()
{
	in_b wireguard-go "$1" >/dev/null 2>&1
	within 5 ip -n "$b" link show "$1" >/dev/null || return 1
	in_b wg set "$1" private-key bob/wgsk listen-port "$2" peer "$(cat alice.pub/wgpk)" allowed-ips 10.77.0.1/32
	ip -n "$b" link set "$1" up
}
# configure DEVICE [EXTRA]
configure()
{
	cat >two.toml <<END
public_key = "bob/pqpk"
secret_key = "bob/pqsk"
listen = []
[[peers]]
public_key = "alice.pub/pqpk"
endpoint = "10.99.0.1:9999"
device = "$1"
peer = "$(cat alice.pub/wgpk)"
extra_params = [${2-}]
END
}
key_on()
{
	in_b wg show "$1" preshared-keys | cut -f2
}
same_on()
{
	is_key "$(psk "$a")" && [ "$(psk "$a")" = "$(key_on "$1")" ]
}
reason()
{
	"$rosenpass" status two --json | grep -qE "\"reason\": *\"$1\""
}
# Sockets of user space are the same for all networks.
device "$b" 51820
run lost ip netns exec "$a" "$rosenpass" exchange --name lost public-key alice/pqpk secret-key alice/pqsk \
	peer public-key bob.pub/pqpk wireguard "$b" "$(cat alice.pub/wgpk)"
lost=$pid
check "a device of another network is none of ours" within 5 grep -q "$b is not there yet" lost.err
sleep 1
check "a device of another network: its peer has no key" [ "$(in_b wg show "$b" preshared-keys | cut -f2)" = "(none)" ]
check "a device of another network: SIGTERM" ends TERM "$lost"
ip -n "$b" link del "$b"
within 5 no_driver "$b" >/dev/null
second=${b}x
check "two devices" eval 'device "$b" 51820 && device "$second" 51821'
configure "$b"
server
run two ip netns exec "$b" "$rosenpass" exchange-config --name two two.toml
two=$pid
check "rosenpass: the same key" within 20 same_on "$b"
check "rosenpass: the other device has none" [ "$(key_on "$second")" = "(none)" ]
configure "$b" '"persistent-keepalive", "20", "allowed-ips", "10.77.0.0/24"'
key=$(psk "$a")
check "other parameters: reload" "$rosenpass" reload two
check "other parameters: they are set" within 5 eval '[ "$(in_b wg show "$b" persistent-keepalive | cut -f2)" = 20 ]'
check "other parameters: these too" [ "$(in_b wg show "$b" allowed-ips | cut -f2)" = 10.77.0.0/24 ]
check "other parameters: the key is the same" [ "$(key_on "$b")" = "$key" ]
configure "$second"
check "another device: reload" "$rosenpass" reload two
check "another device: it has the key" within 5 same_on "$second"
check "another device: it is the one of before" [ "$(psk "$a")" = "$key" ]
check "another device: status says where it is from" reason exchanged
replaced()
{
	is_key "$(key_on "$b")" && [ "$(key_on "$b")" != "$key" ]
}
check "another device: a random key is on the old one" within 5 replaced
sed -i '/^\[\[peers\]\]/,$d' two.toml
check "no peer any more: reload" "$rosenpass" reload two
none_left()
{
	is_key "$(key_on "$second")" && [ "$(key_on "$second")" != "$key" ]
}
check "no peer any more: a random key" within 5 none_left
check "both end with 0" ends TERM "$server" "$two"

finish
