#!/bin/sh
# usage: scripts/vm.sh FOLDER tests/system/vm_wireguard.sh RP ROSENPASS RP_FAST WIREGUARD_PROBE
# Runs inside the virtual machine (dash): rp, rosenpass and our library of WireGuard on the kernel's WireGuard,
# between two network namespaces. rp_fast has a clock that runs ROSENPASS_TEST_CLOCK_SCALE times as fast.
# Many conditions are handed to eval, which expands them when they are tried.
# shellcheck shell=dash disable=SC2016
if [ "${1-}" = -h ] || [ "${1-}" = --help ]; then
	sed -n '2,5s/^# //p' -- "$0"
	exit 0
fi
# The network namespaces and interfaces below have plain names: do not make them on a machine that is in use.
if [ "${ROSENPASS_VM-}" != yes ]; then
	sed -n '2s/^# //p' -- "$0" >&2
	exit 2
fi
umask 077
passed=0
failed=0

check()
{
	words=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "PASS  $words"
		passed=$((passed + 1))
	else
		echo "FAIL  $words: $*"
		tail -n 20 /tmp/said /tmp/*.err
		failed=$((failed + 1))
	fi
}
not()
{
	! "$@"
}
# within SECONDS COMMAND... By the clock, as a try may itself take long in here.
within()
{
	last=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s)" -gt "$last" ]; then
			"$@"
			return
		fi
		sleep 0.2
	done
}

for side in a b; do
	ip netns add "$side" || exit 1
	ip -n "$side" link set lo up || exit 1
done
ip link add va netns a type veth peer name vb netns b || exit 1
ip -n a addr add 10.99.0.1/24 dev va
ip -n b addr add 10.99.0.2/24 dev vb
ip -n a link set va up
ip -n b link set vb up

psk()
{
	ip netns exec "$1" wg show wg0 preshared-keys | cut -f2
}
has_psk()
{
	psk "$1" | grep -qxE '[A-Za-z0-9+/]{43}='
}
same_psk()
{
	has_psk a && [ "$(psk a)" = "$(psk b)" ]
}
pings()
{
	ip netns exec b ping -c 1 -W 1 fd00::1
}
pings_v4()
{
	ip netns exec b ping -c 1 -W 1 10.77.0.1
}
there()
{
	ip -n "$1" link show wg0
}
wait_for()
{
	wait "$1"
	[ $? -eq "$2" ]
}

# --- the kernel's WireGuard by its own tools: this machine is what it should be -------------------------------------

# tools NAMESPACE ADDRESS
tools()
{
	ip -n "$1" link add wg0 type wireguard && wg genkey >"/tmp/$1.key" &&
		ip netns exec "$1" wg set wg0 private-key "/tmp/$1.key" listen-port 10000 &&
		ip -n "$1" addr add "$2/24" dev wg0 && ip -n "$1" link set wg0 up
}
check "wg and ip make interfaces" eval 'tools a 10.77.0.1 && tools b 10.77.0.2'
ip netns exec a wg set wg0 peer "$(wg pubkey </tmp/b.key)" allowed-ips 10.77.0.2/32
ip netns exec b wg set wg0 peer "$(wg pubkey </tmp/a.key)" allowed-ips 10.77.0.1/32 endpoint 10.99.0.1:10000
check "they ping" within 10 pings_v4

# --- the library: many peers, errors --------------------------------------------------------------------------------

# fails PATTERN COMMAND...
fails()
{
	pattern=$1
	shift
	"$@" >/tmp/answer 2>&1
	[ $? -eq 1 ] && grep -q "$pattern" /tmp/answer && return 0
	cat /tmp/answer
	return 1
}
ip link add wgp type wireguard
check "2000 peers are set, read back and the same" /work/wireguard_probe many wgp 2000
check "wg counts as many" eval '[ "$(wg show wgp peers | wc -l)" -eq 2000 ]'
one=$(wg show wgp peers | tail -n 1)
key=$(wg genpsk)
check "a preshared key is confirmed" /work/wireguard_probe psk wgp "$one" "$key"
check "wg shows it" eval 'wg show wgp preshared-keys | grep -qF "$one	$key"'
check "a peer that is not there" fails ENOENT /work/wireguard_probe psk wgp "$(wg genkey | wg pubkey)" "$key"
check "it was not made" eval '[ "$(wg show wgp peers | wc -l)" -eq 2000 ]'
check "a device that is not there" fails ENODEV /work/wireguard_probe psk wgq "$one" "$key"
check "an interface of another kind" fails EOPNOTSUPP /work/wireguard_probe get lo
ip link del wgp

# --- rosenpass beside them ------------------------------------------------------------------------------------------

for name in alice bob; do
	check "rp genkey $name" /work/rp genkey "/tmp/$name"
	check "rp pubkey $name" /work/rp pubkey "/tmp/$name" "/tmp/$name.pub"
done
ip netns exec a /work/rosenpass exchange public-key alice/pqpk secret-key alice/pqsk listen 10.99.0.1:9999 \
	peer public-key bob.pub/pqpk wireguard wg0 "$(wg pubkey </tmp/b.key)" >/dev/null 2>/tmp/one.err &
one=$!
ip netns exec b /work/rosenpass exchange public-key bob/pqpk secret-key bob/pqsk \
	peer public-key alice.pub/pqpk endpoint 10.99.0.1:9999 wireguard wg0 "$(wg pubkey </tmp/a.key)" \
	endpoint 10.99.0.1:10000 persistent-keepalive 20 allowed-ips 10.77.0.1/32,10.78.0.0/16 >/dev/null 2>/tmp/two.err &
two=$!
check "rosenpass: the same key on both sides" within 20 same_psk
# Prefixes in whatever order.
allowed_ips()
{
	ip netns exec b wg show wg0 allowed-ips | cut -f2 | tr ' ' '\n' | sort | tr '\n' ' '
}
check "rosenpass: extra parameters, allowed-ips" eval '[ "$(allowed_ips)" = "10.77.0.1/32 10.78.0.0/16 " ]'
check "rosenpass: extra parameters, persistent-keepalive" \
	eval '[ "$(ip netns exec b wg show wg0 persistent-keepalive | cut -f2)" = 20 ]'
check "rosenpass: ping" within 10 pings_v4
key=$(psk a)
ip -n a link del wg0
tools a 10.77.0.1
ip netns exec a wg set wg0 private-key /tmp/a.key
ip netns exec a wg set wg0 peer "$(wg pubkey </tmp/b.key)" allowed-ips 10.77.0.2/32
has_key_again()
{
	[ "$(psk a)" = "$key" ]
}
check "rosenpass: an interface that is made again gets the key" within 3 has_key_again
kill "$one" "$two"
check "rosenpass: SIGTERM" eval 'wait_for "$one" 0 && wait_for "$two" 0'
ip -n a link del wg0
ip -n b link del wg0

# --- rp -------------------------------------------------------------------------------------------------------------

# server PROGRAM, client PROGRAM
server()
{
	ip netns exec a "$1" exchange alice dev wg0 ip fd00::1/64,10.77.0.1/24 listen 10.99.0.1:9999 \
		peer bob.pub allowed-ips fd00::2,10.77.0.2 >/dev/null 2>/tmp/server.err &
	server=$!
}
client()
{
	ip netns exec b "$1" exchange bob dev wg0 ip fd00::2/64,10.77.0.2/24 \
		peer alice.pub endpoint 10.99.0.1:9999 persistent-keepalive 25 allowed-ips fd00::1,10.77.0.1 \
		>/dev/null 2>/tmp/client.err &
	client=$!
}
server /work/rp
check "rp: a random key before any exchange" within 5 has_psk a
client /work/rp
check "rp: the same key on both sides" within 20 same_psk
check "rp: ping, IPv6" within 10 pings
check "rp: ping, IPv4" within 5 pings_v4
check "rp: WireGuard has the port after listen" eval '[ "$(ip netns exec a wg show wg0 listen-port)" = 10000 ]'
check "rp: the kernel made it" eval 'ip -n a -d link show wg0 | grep -q "    wireguard"'
shows()
{
	ip netns exec a /work/rp status wg0 | grep -q "$1"
}
check "rp: status" shows '^  in WireGuard: confirmed'
check "rp: status shows the handshake" within 5 shows '^  latest handshake: '
ip netns exec a /work/rp exchange alice dev wg0 peer bob.pub 2>/tmp/other.err
check "rp: an interface that exists is refused" grep -q 'interface wg0 exists' /tmp/other.err
kill "$server" "$client"
check "rp: SIGTERM" eval 'wait_for "$server" 0 && wait_for "$client" 0'
check "rp: the interfaces are gone" eval 'not there a && not there b'

server /work/rp
check "rp: again" within 5 has_psk a
# The device has a key before there is an engine process.
kill_engine()
{
	local child children

	read -r children <"/proc/$server/task/$server/children"
	for child in $children; do
		[ "$(cat "/proc/$child/comm")" != rosenpass-net ] || { kill -9 "$child" && return; }
	done
	return 1
}
check "rp: it has an engine process" within 5 kill_engine
check "rp: kill -9 of the engine: exit status 1" wait_for "$server" 1
check "rp: kill -9 of the engine: no interface" not there a
server /work/rp
check "rp: again" within 5 has_psk a
kill -9 "$server"
gone()
{
	not there a
}
check "rp: kill -9 of the other one: no interface" within 5 gone

# A moment between making an interface and knowing it is short here: killed when it might be there already.
left=0
for i in 0 1 2 3 4 5 6 7 8 9; do
	server /work/rp
	sleep "0.$((i % 5))$i"
	kill -9 "$server"
	wait "$server"
	within 5 gone || left=$((left + 1))
done
check "rp: kill -9 at ten moments of its start: no interface ($left)" [ "$left" -eq 0 ]

# --- as an ordinary user ---------------------------------------------------------------------------------------------

cat >/tmp/rp_user <<'END'
#!/usr/bin/dash
exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
	--bounding-set=-all,+net_admin /work/rp "$@"
END
chmod 755 /tmp/rp_user
cp -r alice alice_user
cp -r bob bob_user
chown -R 1000:1000 alice bob alice.pub bob.pub
server /tmp/rp_user
client /tmp/rp_user
check "an ordinary user: the same key" within 20 same_psk
check "an ordinary user: ping, IPv6" within 10 pings
check "an ordinary user: ping, IPv4" within 5 pings_v4
check "an ordinary user: it is one" grep -q '^Uid:.1000.1000.1000.1000$' "/proc/$server/status"
check "an ordinary user: CAP_NET_ADMIN and no other" grep -q '^CapPrm:.0000000000001000$' "/proc/$server/status"
ip -n b link set wg0 down
check "down: no ping" not pings
ip -n b link set wg0 up
# Without word from anybody the interface is looked at every 15 s.
check "up again: addresses and routes come back, and ping" within 13 pings
check "up again: it is said" grep -q 'interface wg0 has its addresses and routes again' /tmp/client.err
kill "$server" "$client"
check "an ordinary user: SIGTERM" eval 'wait_for "$server" 0 && wait_for "$client" 0'
check "an ordinary user: the interfaces are gone" eval 'not there a && not there b'
ip netns exec a setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all \
	/work/rp exchange alice dev wg0 peer bob.pub 2>/tmp/other.err
check "without the capability: exit status 1" [ $? -eq 1 ]
check "without the capability: it says what to do" grep -q 'CAP_NET_ADMIN' /tmp/other.err
rm -rf alice bob
mv alice_user alice
mv bob_user bob
chown -R 0:0 alice.pub bob.pub

# --- preshared keys of files -----------------------------------------------------------------------------------------

# The same preshared key on both sides; its time says how long to wait for the case that must not happen.
wg genpsk >alice.pub/psk
cp alice.pub/psk bob.pub/psk
server /work/rp
client /work/rp
before=$(date +%s)
check "rp: psk: the same key on both sides" within 20 same_psk
took=$(($(date +%s) - before))
check "rp: psk: ping" within 10 pings
kill "$server" "$client"
wait "$server" "$client"
wg genpsk >bob.pub/psk
server /work/rp
client /work/rp
check "rp: wrong psk: random keys" within 5 eval 'has_psk a && has_psk b'
sleep $((2 * took + 2))
check "rp: wrong psk: never the same key" not same_psk
check "rp: wrong psk: no ping" not pings
kill "$server" "$client"
wait "$server" "$client"
rm -f alice.pub/psk bob.pub/psk

# --- all packets through the tunnel -----------------------------------------------------------------------------------

ip -n a addr add 203.0.113.9/32 dev lo
ip -n b route add default via 10.99.0.1
ip -n b rule >/tmp/rules
beyond()
{
	ip netns exec b ping -c 1 -W 1 203.0.113.9
}
same_rules()
{
	ip -n b rule | cmp - /tmp/rules
}
server /work/rp
for end in TERM KILL; do
	ip netns exec b /work/rp exchange bob dev wg0 ip fd00::2/64,10.77.0.2/24 \
		peer alice.pub endpoint 10.99.0.1:9999 allowed-ips 0.0.0.0/0 >/tmp/client.out 2>/tmp/client.err &
	client=$!
	check "full tunnel: the same key" within 20 same_psk
	check "full tunnel: ping beyond the other side" within 10 beyond
	check "full tunnel: it goes through the tunnel" eval 'ip -n b route get 203.0.113.9 | grep -q "dev wg0"'
	check "full tunnel: the kernel's WireGuard has the mark" [ "$(ip netns exec b wg show wg0 fwmark)" = 0xca6c ]
	kill -s "$end" "$client"
	wait "$client"
	check "full tunnel: SIG$end, no interface" within 5 not there b
	check "full tunnel: SIG$end, no rule" within 5 same_rules
done
kill "$server"
wait "$server"
ip -n b route del default

# Two minutes are four seconds.
# An emulated machine on a busy one stands still for seconds; two minutes without an answer end the engine process.
export ROSENPASS_TEST_CLOCK_SCALE=10
server /work/rp_fast
client /work/rp_fast
check "fast: the same key" within 30 same_psk
check "fast: ping" within 15 pings
first=$(psk a)
changed()
{
	[ "$(psk a)" != "$first" ] && same_psk
}
check "fast: another key" within 40 changed
first=$(psk a)
check "fast: and another" within 40 changed
check "fast: ping" within 15 pings
kill "$server" "$client"
check "fast: SIGTERM" eval 'wait_for "$server" 0 && wait_for "$client" 0'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
