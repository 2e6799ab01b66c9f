#!/usr/bin/env bash
# usage: vpn.sh RP RP_FAST ROSENPASS
# VPNs between two network namespaces on WireGuard of user space (wireguard-go): ping, keys that change, wrong keys,
# every kind of end, an interface that exists or is made again, twenty starts at once. The last line is
# "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"

# --- two ends ---------------------------------------------------------------------------------------------------------

server
check "the interface is made" within 10 there "$a"
check "its peer has a random preshared key before any exchange" within 10 has_psk "$a"
check "nothing is sent before there is a key: no endpoint" [ "$(in_a wg show "$a" endpoints | cut -f2)" = "(none)" ]
before=$(psk "$a")
peer
check "both come to hold the same key" within 20 same_psk
check "it is not the first one" [ "$(psk "$a")" != "$before" ]
check "ping through the tunnel, IPv6 and IPv4" within 20 pings
check "WireGuard has the port after listen" [ "$(in_a wg show "$a" listen-port)" = 10000 ]
check "WireGuard's endpoint is that port" [ "$(in_b wg show "$b" endpoints | cut -f2)" = 10.99.0.1:10000 ]
check "keepalive" [ "$(in_b wg show "$b" persistent-keepalive | cut -f2)" = 25 ]
check "allowed ips" [ "$(in_b wg show "$b" allowed-ips | cut -f2 | tr ' ' '\n' | sort | tr '\n' ' ')" = "10.77.0.1/32 fd00::1/128 " ]
check "a route of IPv4" [ -n "$(ip -n "$b" route show 10.77.0.1)" ]
check "a route of IPv6" [ -n "$(ip -n "$b" -6 route show fd00::1)" ]
check "rp status" eval 'in_a "$rp" status "$a" >status'
check "status: interface" grep -q "^interface: $a\$" status
check "status: a key of an exchange" grep -q '^  post-quantum key: exchanged .* ago (responder' status
check "status: confirmed" grep -q '^  in WireGuard: confirmed' status
check "status: handshake" grep -q '^  latest handshake: ' status
check "status: no key in it" not grep -qF "$(psk "$a")" status
check "rosenpass status knows it too" eval '"$rosenpass" status "$a" | grep -q wireguard'
for file in alice/wgsk alice/pqsk alice/pqpk bob.pub/wgpk bob.pub/pqpk; do
	before=$(sha256sum "$file")
	"$rosenpass" peer add --daemon "$a" public-key "$keys/carol.pk" outfile "./$file" 2>other.err
	check "no key is written to $file" grep -q 'is the same file as' other.err
	check "$file is as it was" [ "$(sha256sum "$file")" = "$before" ]
done
check "the process that reads from the network has no capability" \
	grep -q '^CapPrm:[[:space:]]*0*$' "/proc/$(engine_of "$server")/status"
# CAP_KILL 5, CAP_SETGID 6, CAP_SETUID 7, CAP_NET_ADMIN 12: to start and to end that process, and the interface.
check "the other one has what it needs" grep -q '^CapPrm:[[:space:]]*00000000000014e0$' "/proc/$server/status"

# --- no peer yet ------------------------------------------------------------------------------------------------------

run alone ip netns exec "$a" "$rp" exchange alice dev "${a}x" ip fd00:1::1/64 listen 10.99.0.1:9555
alone=$pid
status_shows()
{
	in_a "$rp" status "${a}x" >status && grep -q "$1" status
}
check "without a peer: the interface is made" within 10 eval 'ip -n "$a" link show "${a}x" up | grep -q UP'
check "without a peer: it has its address" within 10 eval 'ip -n "$a" address show dev "${a}x" | grep -q fd00:1::1/64'
check "without a peer: WireGuard has its port" within 10 eval '[ "$(in_a wg show "${a}x" listen-port)" = 9556 ]'
check "without a peer: rp status DEVICE shows it" within 10 status_shows "^interface: ${a}x\$"
check "without a peer: rp status shows it" eval 'in_a "$rp" status | grep -q "^interface: ${a}x\$"'
in_a wg set "${a}x" peer "$(cat bob.pub/wgpk)" allowed-ips fd00:1::2
check "a peer is added later" "$rosenpass" peer add --daemon "${a}x" public-key bob.pub/pqpk wireguard "${a}x" "$(cat bob.pub/wgpk)"
check "a peer is added later: it is in the status" within 10 status_shows "^peer: $(cat bob.pub/wgpk)\$"
check "a peer is added later: it has a preshared key" within 10 eval 'in_a wg show "${a}x" preshared-keys | grep -qE "[A-Za-z0-9+/]{43}=\$"'
check "without a peer: it ends with 0" ends TERM "$alone"
check "without a peer: the interface is gone" not ip -n "$a" link show "${a}x"

# --- what does not fit ------------------------------------------------------------------------------------------------

in_a "$rp" exchange alice dev "$a" peer bob.pub >other.out 2>other.err
check "an interface that exists is refused" [ $? -eq 1 ]
check "the refusal names it" grep -q "interface $a exists" other.err
check "it goes on" pings
in_a "$rp" exchange alice dev "$a"x peer alice.pub >other.out 2>other.err
check "our own keys as a peer's" grep -q 'our own keys' other.err
check "nothing was made for that" not there "$a"x
in_a "$rp" exchange alice dev "$a"x listen 10.99.0.1:65535 peer bob.pub >other.out 2>other.err
check "port 65535 leaves none for WireGuard" grep -q 65535 other.err
in_a wg set "$a" peer "$(cat bob.pub/wgpk)" preshared-key <(wg genpsk)
check "a key that somebody else set is put right" within 25 same_psk

# --- ends ------------------------------------------------------------------------------------------------------------

check "SIGTERM: both end with 0" ends TERM "$server" "$peer"
check "their interfaces are gone" eval 'not there "$a" && not there "$b"'
check "so is wireguard-go" eval 'no_driver "$a" && no_driver "$b"'

server
check "again" within 10 has_psk "$a"
kill -KILL "$(engine_of "$server")"
check "kill -9 of the engine: exit status 1" exits 1 "$server"
check "kill -9 of the engine: no interface" not there "$a"
check "kill -9 of the engine: no wireguard-go" no_driver "$a"

server
check "again" within 10 has_psk "$a"
{ kill -KILL "$server" && wait "$server"; } 2>/dev/null
check "kill -9 of the other one: no interface" within 5 not there "$a"
check "kill -9 of the other one: no wireguard-go" within 5 no_driver "$a"

# --- an interface that goes away, and one that is there ----------------------------------------------------------------

server
peer
check "the same key" within 20 same_psk
check "ping" within 20 pings
ip -n "$a" link del "$a"
check "an interface that somebody deleted is made again" within 20 there "$a"
check "with the same key" within 20 same_psk
check "ping goes on" within 40 pings
check "both end with 0" ends TERM "$server" "$peer"

in_a wireguard-go "$a" >go.out 2>&1
check "an interface by wireguard-go" within 5 there "$a"
other=$(wg genkey | wg pubkey)
in_a wg set "$a" private-key alice/wgsk listen-port 10000 peer "$other" allowed-ips 10.78.0.0/24
adopt
peer
check "--adopt: the same key" within 20 adopted
check "--adopt: ping" within 20 pings
check "--adopt: other peers are left alone" eval 'in_a wg show "$a" allowed-ips | grep -qF "$other	10.78.0.0/24"'
check "--adopt: both end with 0" ends TERM "$server" "$peer"
check "--adopt: the interface stays" there "$a"
check "--adopt: our peer is gone, the other is not" [ "$(in_a wg show "$a" peers)" = "$other" ]
ip -n "$a" link del "$a"
check "its wireguard-go ends" within 5 no_driver "$a"

# --- wrong keys -------------------------------------------------------------------------------------------------------

wg genpsk >alice.pub/psk
wg genpsk >bob.pub/psk
server
peer
check "both have random keys" within 10 eval 'has_psk "$a" && has_psk "$b"'
sleep 6
check "two different psk files: not the same key" not same_psk
check "two different psk files: no ping" not pings
check "both end with 0" ends TERM "$server" "$peer"
cp alice.pub/psk bob.pub/psk
server
peer
check "the same psk file: the same key" within 20 same_psk
check "the same psk file: ping" within 20 pings
check "both end with 0" ends TERM "$server" "$peer"
rm -f alice.pub/psk bob.pub/psk

# --- keys that change --------------------------------------------------------------------------------------------------

# Two minutes are two seconds.
program_in_use=$fast
export ROSENPASS_TEST_CLOCK_SCALE=60
server
peer
check "fast: the same key" within 20 same_psk
check "fast: ping" within 20 pings
seen=()
for ((i = 0; i < 60; i++)); do
	key=$(psk "$a")
	[[ " ${seen[*]} " == *" $key "* ]] || seen+=("$key")
	sleep 0.2
done
check "fast: three keys or more in twelve seconds (${#seen[@]})" [ "${#seen[@]}" -ge 3 ]
check "fast: the same again" within 5 same_psk
check "fast: ping goes on" within 5 pings
check "fast: both end with 0" ends TERM "$server" "$peer"
unset ROSENPASS_TEST_CLOCK_SCALE program_in_use

# --- both ends at once, twenty times -----------------------------------------------------------------------------------

good=0
for ((i = 0; i < 20; i++)); do
	server
	peer
	within 20 same_psk && within 20 pings >/dev/null 2>&1 && same_psk && good=$((good + 1))
	ends TERM "$server" "$peer" >/dev/null
done
check "twenty starts at once: the same key and a ping each time" [ "$good" -eq 20 ]

# --- rosenpass beside a device of somebody else -------------------------------------------------------------------------

# device NAMESPACE OWN OTHER ADDRESS: WireGuard of user space with one peer, as an administrator sets it up.
device()
{
	ip netns exec "$1" wireguard-go "$1" >/dev/null 2>&1
	within 5 there "$1" >/dev/null
	ip netns exec "$1" wg set "$1" private-key "$2/wgsk" listen-port 51820 \
		peer "$(cat "$3.pub/wgpk")" allowed-ips "$5"
	ip -n "$1" addr add "$4" dev "$1"
	ip -n "$1" link set "$1" up
}
device "$b" bob alice 10.77.0.2/24 10.77.0.1/32
run one ip netns exec "$a" "$rosenpass" exchange --name one public-key alice/pqpk secret-key alice/pqsk \
	listen 10.99.0.1:9999 peer public-key bob.pub/pqpk wireguard "$a" "$(cat bob.pub/wgpk)"
one=$pid
run two ip netns exec "$b" "$rosenpass" exchange --name two public-key bob/pqpk secret-key bob/pqsk \
	peer public-key alice.pub/pqpk endpoint 10.99.0.1:9999 \
	wireguard "$b" "$(cat alice.pub/wgpk)" endpoint 10.99.0.1:51820 persistent-keepalive 20
two=$pid
check "a device that is not there yet: said" within 5 grep -q "$a is not there yet" one.err
check "the other has a key already" within 20 has_psk "$b"
device "$a" alice bob 10.77.0.1/24 10.77.0.2/32
ping_v4()
{
	in_b ping -c 1 -W 1 10.77.0.1
}
check "a device that comes late gets the key" within 20 same_psk
check "extra parameters are set" [ "$(in_b wg show "$b" endpoints | cut -f2)" = 10.99.0.1:51820 ]
check "ping" within 20 ping_v4
key=$(psk "$a")
ip -n "$a" link del "$a"
within 5 no_driver "$a" >/dev/null
device "$a" alice bob 10.77.0.1/24 10.77.0.2/32
check "a device that was made again gets the same key" within 5 eval '[ "$(psk "$a")" = "$key" ]'
check "ping again" within 40 ping_v4
in_a wg set "$a" peer "$(cat bob.pub/wgpk)" remove
removed()
{
	"$rosenpass" status one | grep -q "has no peer"
}
check "a peer that is not there: shown in status" within 20 removed
in_a wg set "$a" peer "$(cat bob.pub/wgpk)" allowed-ips 10.77.0.2/32
check "a peer that is back gets its key" within 20 same_psk
check "SIGTERM: both end with 0" ends TERM "$one" "$two"
check "the keys stay" same_psk
key=$(psk "$a")
run one ip netns exec "$a" "$rosenpass" exchange --name one --before-first-exchange block public-key alice/pqpk secret-key alice/pqsk \
	peer public-key bob.pub/pqpk wireguard "$a" "$(cat bob.pub/wgpk)"
another()
{
	has_psk "$a" && [ "$(psk "$a")" != "$key" ]
}
check "block: a start sets a random key at once" within 5 another
check "SIGTERM: it ends with 0" ends TERM "$pid"

finish
