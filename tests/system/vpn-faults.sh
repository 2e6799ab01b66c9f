#!/usr/bin/env bash
# usage: vpn-faults.sh RP RP_FAST ROSENPASS FIND_BYTES
# What may happen to the interface of a VPN, on WireGuard of user space: others delete it, take it down, put their own in its
# place or own it; rp is killed while it starts; rosenpass gets another configuration. The last line is
# "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"
find_bytes=$(absolute "$4")

# shape [NAMESPACE]: what makes up the interface of a VPN, but for what changes by itself.
shape()
{
	local name=${1:-$a}
	local wg=(ip netns exec "$name" wg show "$name")

	echo "private key:" "$("${wg[@]}" private-key)"
	# Without the word listen it is another one each time.
	[ "$name" != "$a" ] || echo "port:" "$("${wg[@]}" listen-port)"
	echo "peers:" "$("${wg[@]}" allowed-ips | tr '\t ' '\n\n' | sort | tr '\n' ' ')"
	echo "keepalive:" "$("${wg[@]}" persistent-keepalive | sort | tr '\n' ' ')"
	[ "$name" != "$b" ] || echo "endpoint:" "$("${wg[@]}" endpoints)"
	addresses "$name" | awk '{ print $3, $4 }' | sort
	ip -n "$name" route show dev "$name" | awk '{ print "route", $1 }' | sort
	ip -n "$name" -6 route show dev "$name" | awk '{ print "route", $1 }' |
		grep -v -e '^route fe80::' -e multicast | sort
}
# has_shape FILE [NAMESPACE]
has_shape()
{
	diff "$1" <(shape "${2:-$a}")
}
index_of()
{
	ip -n "$a" -o link show "$a" 2>/dev/null | cut -d: -f1
}
addresses()
{
	ip -n "$1" -o address show dev "$1" scope global
}
# An interface of any kind: its index, kind, addresses, and whether it is up.
looks()
{
	ip -n "$a" -d address show dev "$a" |
		sed -e '/valid_lft/d; / fe80::/d; s/ state [A-Z]*//; s/NO-CARRIER,//; s/,LOWER_UP//; s/,M-DOWN//'
}
same_looks()
{
	diff "$1" <(looks)
}
# One of another kind takes the place of ours, both at once, so that rp does not come in between.
replace()
{
	ip -n "$a" link add rp-foreign type veth peer name rp-foreign-end &&
		ip -n "$a" -batch - <<END
link del $a
link set rp-foreign name $a
END
}
# driver_of NAMESPACE: the process id of its wireguard-go.
driver_of()
{
	pgrep -f "^[^ ]*wireguard-go -f $1\$"
}
# child_called NAME PID: the first child of that name.
child_called()
{
	local child name

	for child in $(children "$2"); do
		{ read -r name <"/proc/$child/comm"; } 2>/dev/null || continue
		[ "$name" != "$1" ] || { echo "$child" && return; }
	done
	return 1
}
"$rp" genkey carol
"$rp" pubkey carol carol.pub

# --- secrets ----------------------------------------------------------------------------------------------------------

# has PID FILE LENGTH: what the file begins with is somewhere in its memory.
has()
{
	"$find_bytes" "$1" "$2" 0 "$3"
	[ $? -eq 1 ]
}
# lacks PID FOLDER: neither the secret key of WireGuard nor its text is in its memory.
lacks()
{
	base64 -d <"$2/wgsk" >raw
	"$find_bytes" "$1" raw 0 32 && "$find_bytes" "$1" "$2/wgsk" 0 43
}
server
peer
check "the same key" within 20 same_psk
check "ping" within 20 pings
head -c 40 "/proc/$server/cmdline" >words
check "three processes: monitor, engine, guard" [ "$(pgrep -c -f "exchange alice dev $a ")" -eq 3 ]
for name in rosenpass-net rp-guard; do
	child=$(child_called "$name" "$server")
	check "$name: what is in its memory is found" has "$child" words 40
	check "$name: the private key of WireGuard is not" lacks "$child" alice
done

# --- deleted, down, replaced ------------------------------------------------------------------------------------------

shape >shape
shape "$b" >shape_b
check "this is its shape" [ "$(wc -l <shape)" -ge 9 ]
again()
{
	[ "$(index_of)" != "$index" ] && has_shape shape
}
key=$(psk "$a")
for ((i = 0; i < 4; i++)); do
	index=$(index_of)
	ip -n "$a" link del "$a"
	check "deleted: it is the same again" within 10 again
done
check "deleted: the key is the same again" within 5 eval '[ "$(psk "$a")" = "$key" ]'
check "deleted: it is said" grep -q "$a, or a peer of it, was gone; it is there again" server.err
index=$(index_of)
kill -KILL "$(driver_of "$a")"
check "its wireguard-go is killed: it is the same again" within 10 again
check "its wireguard-go is killed: the key is the same again" within 5 eval '[ "$(psk "$a")" = "$key" ]'
check "deleted: one wireguard-go" [ "$(driver_of "$a" | wc -l)" -eq 1 ]
check "deleted: nobody waits for its parent" [ -z "$(ps -o stat= --ppid "$server" | grep Z)" ]
ip -n "$b" link del "$b"
check "deleted at the other end: endpoint and keepalive are the same again too" within 10 has_shape shape_b "$b"
check "deleted at the other end: the key is the same again" within 5 same_psk
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

# It takes a while until that is in the log: time for a process that asks for a name, of a server that never answers.
if [ -e /etc/resolv.conf ]; then
	ip -n "$a" neighbour add 10.99.0.77 lladdr 02:00:00:00:00:77 dev va nud permanent
	echo 'nameserver 10.99.0.77' >resolv.conf
	# shellcheck disable=SC2016
	run named ip netns exec "$a" sh -c 'mount --bind resolv.conf /etc/resolv.conf && exec "$@"' - \
		"$rp" exchange carol dev "${a}n" peer bob.pub endpoint peer.example.org:9999
	named=$pid
	check "a process asks for a name" within 10 child_called rosenpass-names "$named"
	child=$(child_called rosenpass-names "$named")
	head -c 40 "/proc/$named/cmdline" >words
	check "rosenpass-names: what is in its memory is found" has "$child" words 40
	check "rosenpass-names: the private key of WireGuard is not" lacks "$child" carol
	check "it ends with 0" ends TERM "$named"
else
	skip "a process that asks for a name: no /etc/resolv.conf"
fi

check "down: it is said in a while" within 40 grep -q "interface $a is down" server.err
ip -n "$a" link set "$a" up
check "up again: addresses and routes" within 20 has_shape shape
check "up again: status" within 5 status interface_up true
check "up again: ping" within 20 pings
# Without word from anybody the interface is looked at every 15 s.
for pause in 0 0.3 1.2 0.1 2.1 0; do
	ip -n "$a" link set "$a" down
	sleep "$pause"
	ip -n "$a" link set "$a" up
	sleep "$pause"
	check "down and up, $pause s each: addresses and routes" within 8 has_shape shape
done

replace
looks >foreign
check "replaced: it is said" within 10 grep -q "interface $a exists" server.err
sleep 2
check "replaced: nothing is done to it" same_looks foreign
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
check "replaced by one of WireGuard: status" eval '"$rosenpass" status "$a" | grep -q "another program has made interface"'
check "replaced: SIGTERM, both end with 0" ends TERM "$server" "$peer"
check "replaced: it stays" [ "$(index_of)" = "$index" ]
check "replaced: it is as it was" has_shape foreign

# --- one that exists, and is not to be used ----------------------------------------------------------------------------

# Of rp, in whatever network.
processes()
{
	pgrep -f "^$rp "
}
# refused WHAT PATTERN WORD...: rp ends with exit status 1 and that line, and leaves no process.
refused()
{
	local what=$1 pattern=$2

	shift 2
	in_a timeout 20 "$rp" "$@" >other.out 2>other.err
	check "$what: exit status 1" [ $? -eq 1 ]
	check "$what: it says why" grep -qE -- "$pattern" other.err
	check "$what: no process remains" not processes
}
refused "somebody else's interface of WireGuard" "error: interface $a exists; .*--adopt" \
	exchange alice dev "$a" ip 10.77.0.1/24 peer bob.pub allowed-ips 10.77.0.2
check "somebody else's interface of WireGuard: it is as it was" has_shape foreign
ip -n "$a" link del "$a"
check "no wireguard-go" within 5 no_driver "$a"
for kind in veth tun; do
	if [ "$kind" = tun ]; then
		ip -n "$a" tuntap add mode tun name "$a"
	else
		ip -n "$a" link add "$a" type veth peer name rp-foreign-end
	fi
	ip -n "$a" address add 10.78.0.1/24 dev "$a"
	looks >foreign
	refused "one of kind $kind" "error: interface $a exists; .*--adopt" \
		exchange alice dev "$a" ip 10.77.0.1/24 peer bob.pub allowed-ips 10.77.0.2
	refused "one of kind $kind, --adopt" "error: interface $a: it is no interface of WireGuard" \
		exchange --adopt alice dev "$a" ip 10.77.0.1/24 peer bob.pub allowed-ips 10.77.0.2
	check "one of kind $kind: it is as it was" same_looks foreign
	ip -n "$a" link del "$a"
done

# --- killed -----------------------------------------------------------------------------------------------------------

left()
{
	processes || driver_of "$a" || there "$a"
}
killed()
{
	{ kill -KILL "$server" && wait "$server"; } 2>/dev/null
	within 5 not left >/dev/null 2>&1
}
server
check "it starts" within 10 has_psk "$a"
replace
looks >foreign
check "replaced again: it is said" within 10 grep -q "interface $a exists" server.err
{ kill -KILL "$server" && wait "$server"; } 2>/dev/null
check "replaced, then kill -9: no process remains" within 5 not processes
check "replaced, then kill -9: it is as it was" same_looks foreign
ip -n "$a" link del "$a"

begun=${EPOCHREALTIME/./}
server
check "it starts" within 10 there "$a"
took=$((${EPOCHREALTIME/./} - begun + 50000))
check "kill -9: nothing remains" killed
remains=0
for ((i = 0; i < 20; i++)); do
	server
	printf -v moment '%d.%06d' $((took * i / 20 / 1000000)) $((took * i / 20 % 1000000))
	sleep "$moment"
	killed || remains=$((remains + 1))
done
check "kill -9 at 20 moments in $took microseconds of its start: nothing remains ($remains)" [ "$remains" -eq 0 ]

# What happens while a program for WireGuard starts, a few milliseconds apart: these look without starting a process.
begins_driver()
{
	local list child name

	{ read -r -a list <"/proc/$server/task/$server/children"; } 2>/dev/null
	for child in "${list[@]}"; do
		{ read -r name <"/proc/$child/comm"; } 2>/dev/null
		[ "$name" != wireguard-go ] || return 0
	done
	return 1
}
begins_link()
{
	local lines

	{ mapfile -t lines <"/proc/$server/net/dev"; } 2>/dev/null
	[[ ${lines[*]} == *"$a:"* ]]
}
begins_socket()
{
	[ -S "/var/run/wireguard/$a.sock" ]
}
events=(driver link socket)
if ! [ -e "/proc/$$/task/$$/children" ]; then
	skip "kill -9 as soon as there is a driver: this kernel does not list children"
	events=(link socket)
fi
for event in "${events[@]}"; do
	remains=0
	happened=0
	for ((i = 0; i < 6; i++)); do
		rm -f "/var/run/wireguard/$a.sock"
		server
		until "begins_$event" || gone "$server"; do
			:
		done
		"begins_$event" && happened=$((happened + 1))
		killed || remains=$((remains + 1))
	done
	check "kill -9 as soon as there is a $event ($happened of 6): nothing remains ($remains)" \
		[ "$happened $remains" = "6 0" ]
done

# --- an interface of somebody else --------------------------------------------------------------------------------------

other=$(wg genkey | wg pubkey)
# It has an address and a route that rp would add too, and our peer with allowed ips of its own.
own()
{
	in_a wireguard-go "$a" >/dev/null 2>&1
	within 5 there "$a" >/dev/null || return 1
	in_a wg set "$a" private-key alice/wgsk listen-port 10000 peer "$other" allowed-ips 10.78.0.0/24 \
		peer "$(cat bob.pub/wgpk)" allowed-ips 10.79.0.0/24 &&
		ip -n "$a" address add 10.77.0.1/24 dev "$a" && ip -n "$a" link set "$a" up &&
		ip -n "$a" route add 10.78.0.0/24 dev "$a" && ip -n "$a" -6 route add fd00::2/128 dev "$a"
}
has_ways()
{
	addresses "$a" | grep -qF fd00::1/64 && [ -n "$(ip -n "$a" route show 10.77.0.2)" ]
}
check "somebody makes an interface" own
shape >owned
adopt carol
check "--adopt with another private key: exit status 1" exits 1 "$server"
check "--adopt with another private key: it says so" grep -q "another private key than wgsk" server.err
check "--adopt with another private key: nothing was done" has_shape owned
adopt
check "--adopt: what is missing is added" within 10 has_ways
check "--adopt: SIGTERM, 0" ends TERM "$server"
check "--adopt: all is as it was" has_shape owned
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
# All at once for rp, which else adds what the owner was about to.
kill -STOP "$server"
check "its owner makes it again" own
kill -CONT "$server"
check "made again: the same key" within 20 adopted
check "made again: ping" within 40 pings
check "made again: what is missing is added" has_ways
check "--adopt: both end with 0" ends TERM "$server" "$peer"
# All but the allowed ips of our peer, which came with its key.
check "--adopt: the interface, its peers, addresses and routes stay, and what was added is gone" \
	eval 'diff <(grep -v peers: owned) <(shape | grep -v peers:)'
check "--adopt: both peers stay" [ "$(in_a wg show "$a" peers | sort)" = "$(printf '%s\n' "$other" "$(cat bob.pub/wgpk)" | sort)" ]
index=$(index_of)
adopt
check "--adopt again" within 10 has_ways
{ kill -KILL "$server" && wait "$server"; } 2>/dev/null
check "--adopt, kill -9: no process remains" within 5 not processes
check "--adopt, kill -9: the interface stays" [ "$(index_of)" = "$index" ]
ip -n "$a" link del "$a"
within 5 no_driver "$a" >/dev/null

# --- a configuration of rp ------------------------------------------------------------------------------------------------

cat >rp.toml <<END
private_keys_dir = "alice"
dev = "$a"
[[peers]]
public_keys_dir = "bob.pub"
allowed_ips = "10.77.0.2"
END
run configured ip netns exec "$a" "$rp" exchange-config rp.toml
configured=$pid
check "a configuration: it starts" within 10 has_psk "$a"
kill -HUP "$configured"
check "SIGHUP: it says why nothing changes" within 5 grep -q "reads its configuration once" configured.err
check "SIGHUP: it goes on" has_psk "$a"
check "a configuration: it ends with 0" ends TERM "$configured"
cat >>rp.toml <<END
[[peers]]
public_keys_dir = "carol.pub"
allowed_ips = "10.77.0.2/32"
END
refused "two peers with one prefix" 'rp.toml:.*peer 2.*: allowed_ips 10.77.0.2/32 is of peer 1 \(bob.pub\)' \
	exchange-config rp.toml
refused "two peers with one prefix, in words" 'peer 2.*: allowed-ips fd00::2/128 is of peer 1 \(bob.pub\)' \
	exchange alice dev "$a" peer bob.pub allowed-ips fd00::2 peer carol.pub allowed-ips fd00::/64,fd00::2
check "two peers with one prefix: no interface" not there "$a"

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
kill -HUP "$two"
none_left()
{
	is_key "$(key_on "$second")" && [ "$(key_on "$second")" != "$key" ]
}
check "no peer any more, SIGHUP: a random key" within 5 none_left
check "both end with 0" ends TERM "$server" "$two"

finish
