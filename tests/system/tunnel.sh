#!/usr/bin/env bash
# usage: tunnel.sh RP RP_FAST ROSENPASS
# Our own datagrams and the tunnel that they are for: full tunnels by wg-quick and by rp, marks that change, routes of
# others, the MTU, and paths that lose large packets without a word. All on WireGuard of user space. The last line is
# "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"

# shellcheck source=tunnel.bash
source "$here/tunnel.bash"

state >before

# --- rp alone ---------------------------------------------------------------------------------------------------------

# Without a full tunnel nothing is marked.
gateway
client allowed-ips fd00::1,10.77.0.1
check "no full tunnel: the same key" within 20 same_psk
check "no full tunnel: no mark" [ "$(mark_of)" = off ]
check "no full tunnel: our sockets have none" marked "$b"
check "no full tunnel: no rule" diff <(head -n 6 before) <(state | head -n 6)
in_b wg set "$b" fwmark 0x4711
check "wg set fwmark: our sockets follow" within 20 marked "$b" 0x4711
in_b wg set "$b" fwmark 0x4712
check "wg set fwmark, another one: our sockets follow" within 20 marked "$b" 0x4712
in_b wg set "$b" fwmark 0
check "wg set fwmark off: our sockets follow" within 20 marked "$b"
check "SIGTERM" ends TERM "$peer"
check "no full tunnel: all is as it was" within 5 same_state before

client allowed-ips "$full"
check "full tunnel: the same key" within 20 same_psk
check "full tunnel: the Internet, both families" within 20 reaches "$internet" "$internet_v6"
check "full tunnel: through the tunnel" through "$b" "$internet"
check "full tunnel: IPv6 through the tunnel" through "$b" "$internet_v6"
check "full tunnel: an unmarked packet to the server, too" through "$b" "$server_address"
check "full tunnel: neighbours stay neighbours" through lan0 10.50.0.77
check "full tunnel: networks of routers, too" through lan0 10.60.0.77
check "full tunnel: the mark" [ "$(mark_of)" = 0xca6c ]
check "full tunnel: our sockets have it" marked "$b" 0xca6c
check "full tunnel: a rule for IPv4" eval 'ip -n "$b" rule | grep "not from all fwmark 0xca6c lookup 51820"'
check "full tunnel: a rule for IPv6" eval 'ip -n "$b" -6 rule | grep "not from all fwmark 0xca6c lookup 51820"'
check "full tunnel: the main table has its default route" eval 'ip -n "$b" route | grep "^default via 10.99.0.1"'
check "full tunnel: src_valid_mark" [ "$(in_b cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" = 1 ]
in_b wg set "$b" fwmark 0
check "full tunnel: a mark that is taken away comes back" within 20 eval '[ "$(mark_of)" = 0xca6c ]'
# As wg-quick down does it for an interface of its own.
in_b ip rule del table main suppress_prefixlength 0
ip -n "$b" route del default table 51820
has_rules()
{
	[ "$(ip -n "$b" rule | grep -c -e 'suppress_prefixlength 0' -e 'lookup 51820')" -eq 2 ] &&
		[ -n "$(ip -n "$b" route show table 51820)" ]
}
check "full tunnel: rules and routes that others remove come back" within 20 has_rules
check "full tunnel: in their order" eval '[[ "$(ip -n "$b" rule | tr "\n" " ")" == *suppress_prefixlength*51820*main*default* ]]'
ip -n "$b" link del "$b"
check "full tunnel: deleted, the interface is made again" within 20 there "$b"
check "full tunnel: the Internet again" within 40 reaches "$internet" "$internet_v6"
check "full tunnel: SIGTERM" ends TERM "$peer"
check "full tunnel: SIGTERM, all is as it was" within 5 same_state before
for signal in INT QUIT; do
	client allowed-ips "$full"
	check "full tunnel: the same key" within 20 same_psk
	check "full tunnel: it has rules" within 5 has_rules
	check "full tunnel: SIG$signal" ends "$signal" "$peer"
	check "full tunnel: SIG$signal, all is as it was" within 5 same_state before
done
client allowed-ips "$full"
check "full tunnel: the same key" within 20 same_psk
check "full tunnel: it has rules" within 5 has_rules
kill_9 "$peer"
check "full tunnel: kill -9, no interface" within 5 no_interface
check "full tunnel: kill -9, all is as it was" within 5 same_state before
client allowed-ips "$full"
check "full tunnel: the same key" within 20 same_psk
check "full tunnel: it has rules" within 5 has_rules
kill -KILL "$(engine_of "$peer")"
check "full tunnel: its engine is killed, exit status 1" exits 1 "$peer"
check "full tunnel: its engine is killed, all is as it was" within 5 same_state before

# Strict filtering finds the tunnel on the way back to the server.
in_b sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter'
state >strict
client allowed-ips "$full"
check "strict filtering: the same key" within 20 same_psk
check "strict filtering: the Internet" within 20 reaches "$internet"
check "strict filtering: it is said" grep -q "rp_filter is 2 (loose) until the end" peer.err
check "strict filtering: SIGTERM" ends TERM "$peer"
check "strict filtering: all is as it was" within 5 same_state strict
in_b sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter'
check "as before" same_state before

# Tables that others use.
ip -n "$b" route add 192.0.2.0/24 via 10.50.0.9 table 51820
ip -n "$b" -6 rule add fwmark 51821 lookup 51821
state >others
client allowed-ips "$full"
check "two tables are in use: the third one" within 10 eval '[ "$(mark_of)" = 0xca6e ]'
check "two tables are in use: the Internet" within 20 reaches "$internet" "$internet_v6"
check "two tables are in use: SIGTERM" ends TERM "$peer"
check "two tables are in use: all is as it was" within 5 same_state others
ip -n "$b" route del 192.0.2.0/24 table 51820
ip -n "$b" -6 rule del fwmark 51821 lookup 51821

# A mark that is given.
own_words=(fwmark 0x7777)
client allowed-ips 0.0.0.0/0
check "fwmark 0x7777: the interface has it" within 10 eval '[ "$(mark_of)" = 0x7777 ]'
check "fwmark 0x7777: our sockets have it" within 5 marked "$b" 0x7777
check "fwmark 0x7777: it is the table" within 5 eval '[ -n "$(ip -n "$b" route show table 30583)" ]'
check "fwmark 0x7777: the Internet" within 20 reaches "$internet"
check "fwmark 0x7777: IPv6 is not asked for" not through "$b" "$internet_v6"
check "fwmark 0x7777: SIGTERM" ends TERM "$peer"
own_words=(fwmark off)
client allowed-ips 0.0.0.0/0,10.77.0.1
check "fwmark off: it is said" within 10 grep -q "no default route is made" peer.err
check "fwmark off: the same key" within 20 same_psk
check "fwmark off: no mark" marked "$b"
check "fwmark off: no rule" diff <(head -n 6 before) <(state | head -n 6)
check "fwmark off: SIGTERM" ends TERM "$peer"
own_words=()

# The halves are a full tunnel too.
client allowed-ips 0.0.0.0/1,128.0.0.0/1
check "halves: the same key" within 20 same_psk
check "halves: the Internet" within 20 reaches "$internet"
check "halves: through the tunnel" through "$b" "$internet"
check "halves: our sockets are marked" marked "$b" 0xca6c
check "halves: SIGTERM" ends TERM "$peer"
check "halves: all is as it was" within 5 same_state before

# A name is resolved before the tunnel takes the way to the server of names.
if [ -e /etc/hosts ]; then
	echo "$server_address server.test" >hosts
	# shellcheck disable=SC2016
	run peer ip netns exec "$b" sh -c 'mount --bind hosts /etc/hosts && exec "$@"' - "$rp" exchange bob dev "$b" \
		ip fd00::2/64,10.77.0.2/24 peer alice.pub endpoint server.test:9999 allowed-ips "$full"
	peer=$pid
	check "an endpoint by name: the same key" within 20 same_psk
	check "an endpoint by name: the Internet" within 20 reaches "$internet" "$internet_v6"
	check "an endpoint by name: SIGTERM" ends TERM "$peer"
	echo >hosts
	# shellcheck disable=SC2016
	run peer ip netns exec "$b" sh -c 'mount --bind hosts /etc/hosts && exec "$@"' - "$rp" exchange bob dev "$b" \
		ip fd00::2/64,10.77.0.2/24 peer alice.pub endpoint server.test:9999 allowed-ips "$full"
	peer=$pid
	check "a name that does not resolve: it starts" within 10 has_psk "$b"
	sleep 1
	check "a name that does not resolve: the way to a server of names stays" through vb 192.0.2.53
	check "a name that does not resolve: SIGTERM" ends TERM "$peer"
	check "names: all is as it was" within 5 same_state before
else
	skip "an endpoint by name: no /etc/hosts"
fi

# An interface of somebody else.
adopted_client()
{
	in_b wireguard-go "$b" >go.out 2>&1
	within 5 there "$b" >/dev/null
	in_b wg set "$b" private-key bob/wgsk
	ip -n "$b" link set "$b" mtu 1400 up
	state >owned
	options=(--adopt)
	client allowed-ips "$full"
	options=()
}
for end in TERM KILL; do
	adopted_client
	check "--adopt, full tunnel: the same key" within 20 same_psk
	check "--adopt, full tunnel: the Internet" within 20 reaches "$internet" "$internet_v6"
	check "--adopt, full tunnel: the MTU is its owner's" [ "$(mtu_of)" = 1400 ]
	if [ "$end" = KILL ]; then kill_9 "$peer"; else check "--adopt, full tunnel: SIGTERM" ends TERM "$peer"; fi
	check "--adopt, full tunnel: SIG$end, rules, routes and addresses are as they were" within 5 same_state owned
	check "--adopt, full tunnel: SIG$end, the mark is as it was" within 5 eval '[ "$(mark_of)" = off ]'
	ip -n "$b" link del "$b"
	within 5 no_driver "$b" >/dev/null
done
check "--adopt: all is as it was" within 5 same_state before
check "SIGTERM of the server" ends TERM "$server"

# The server is killed and comes back with other keys, which the old tunnel does not know.
program_in_use=$fast
export ROSENPASS_TEST_CLOCK_SCALE=20
gateway
client allowed-ips "$full"
check "restart: the same key" within 20 same_psk
check "restart: the Internet" within 20 reaches "$internet"
kill_9 "$server"
within 5 no_driver "$a" >/dev/null
gateway
check "restart of the server: the same key" within 40 same_psk
check "restart of the server: the Internet" within 40 reaches "$internet"
kill_9 "$peer"
within 5 no_interface >/dev/null
client allowed-ips "$full"
check "restart of the client: the same key" within 40 same_psk
check "restart of the client: the Internet" within 40 reaches "$internet"
check "restart: both end with 0" ends TERM "$peer" "$server"
unset ROSENPASS_TEST_CLOCK_SCALE program_in_use
check "restart: all is as it was" within 5 same_state before

# --- routes of others -------------------------------------------------------------------------------------------------

gateway
refused "a connected network" "error: cannot make the route to 10.50.0.0/24 .*: .*dev lan0; .*--replace-routes" \
	allowed-ips 10.50.0.0/24
refused "a network behind a router" "route to 10.60.0.0/24 .*: there is one already, dev lan0 via 10.50.0.9;" \
	allowed-ips 10.77.0.1,10.60.0.0/24
refused "a network of IPv6" "route to fd60::/64 .*: there is one already, dev lan0 via fd50::9 " allowed-ips fd60::/64
client allowed-ips 10.77.0.1,10.70.0.0/24,10.51.0.0/24,10.0.0.0/8
check "another metric or length is another route" within 20 same_psk
check "another metric: ours is there" within 5 through "$b" 10.70.0.1
check "another metric: it is said" grep -q "overrides the existing route (dev lan0 via 10.50.0.7 metric 100)" peer.err
check "another metric: SIGTERM" ends TERM "$peer"
check "another metric: all is as it was" within 5 same_state before
client allowed-ips 10.77.0.1,fd50::/64
check "a metric before ours" within 20 grep -q "warn: the route to fd50::/64 .* is not used: .*dev lan0 metric 256" peer.err
check "a metric before ours: SIGTERM" ends TERM "$peer"

# replaces END: with the option, and how it ends.
replaces()
{
	options=(--replace-routes)
	client allowed-ips 10.77.0.1,10.50.0.0/24,10.60.0.0/24,fd60::/64
	options=()
	check "--replace-routes: the same key" within 20 same_psk
	check "--replace-routes: a connected network" within 5 through "$b" 10.50.0.77
	check "--replace-routes: one behind a router" through "$b" 10.60.0.77
	check "--replace-routes: one of IPv6" through "$b" fd60::77
	check "--replace-routes: it is said" grep -q "route to 10.60.0.0/24 (dev lan0 via 10.50.0.9) is replaced" peer.err
}
for signal in TERM INT; do
	replaces
	check "--replace-routes: SIG$signal" ends "$signal" "$peer"
	check "--replace-routes: SIG$signal, they are back" within 5 same_state before
done
replaces
kill_9 "$peer"
check "--replace-routes: kill -9, no interface" within 5 no_interface
check "--replace-routes: kill -9, they are back" within 5 same_state before
replaces
kill -KILL "$(engine_of "$peer")"
check "--replace-routes: exit status 1" exits 1 "$peer"
check "--replace-routes: an error, they are back" within 5 same_state before
# A start that fails after its routes.
options=(--replace-routes --user nobody-of-that-name)
client allowed-ips 10.60.0.0/24
options=()
check "--replace-routes: a start that fails" exits 1 "$peer"
check "--replace-routes: a start that fails, all is as it was" within 5 same_state before
# The link of the network goes down and comes back, and with it the kernel's own route.
replaces
ip -n "$b" link set lan0 down
ip -n "$b" link set lan0 up
ip -n "$b" addr add fd50::1/64 dev lan0 nodad 2>/dev/null
ip -n "$b" link set "$b" down
ip -n "$b" link set "$b" up
check "a link that was down: our route comes back" within 20 through "$b" 10.50.0.77
check "--replace-routes: SIGTERM" ends TERM "$peer"
check "a link that was down: its route is there" within 5 through lan0 10.50.0.77
check "a link that was down: the route of its router is back" eval 'ip -n "$b" route | grep "^10.60.0.0/24 via 10.50.0.9 dev lan0"'
ip -n "$b" route replace 10.70.0.0/24 via 10.50.0.7 dev lan0 metric 100
ip -n "$b" -6 route replace fd60::/64 via fd50::9 dev lan0 2>/dev/null
state >before
# While rp runs, somebody puts a route in the place of ours.
client allowed-ips 10.77.0.1,10.61.0.0/24
check "a route of ours" within 20 through "$b" 10.61.0.77
ip -n "$b" route replace 10.61.0.0/24 via 10.50.0.9 dev lan0
check "replaced while it runs: it is said" within 20 grep -q "cannot make the route to 10.61.0.0/24" peer.err
check "replaced while it runs: the other one stays" through lan0 10.61.0.77
check "replaced while it runs: SIGTERM" ends TERM "$peer"
check "replaced while it runs: the other one is there" through lan0 10.61.0.77
ip -n "$b" route del 10.61.0.0/24
# In a configuration.
cat >rp.toml <<END
private_keys_dir = "bob"
dev = "$b"
ip = "10.77.0.2/24"
mtu = 1333
fwmark = "0x99"
replace_routes = true
[[peers]]
public_keys_dir = "alice.pub"
endpoint = "$server_address:9999"
allowed_ips = ["10.77.0.1", "10.60.0.0/24"]
END
run peer ip netns exec "$b" "$rp" exchange-config rp.toml
peer=$pid
check "a configuration: replace_routes" within 20 through "$b" 10.60.0.77
check "a configuration: mtu" [ "$(mtu_of)" = 1333 ]
check "a configuration: fwmark" within 10 marked "$b" 0x99
check "a configuration: the interface has it too" [ "$(mark_of)" = 0x99 ]
check "a configuration: the same key" within 20 same_psk
check "a configuration: SIGTERM" ends TERM "$peer"
check "a configuration: all is as it was" within 5 same_state before

check "SIGTERM of the server" ends TERM "$server"

# --- MTU --------------------------------------------------------------------------------------------------------------

# has_mtu NUMBER WHAT: what the client's interface gets.
has_mtu()
{
	client allowed-ips 10.77.0.1
	check "$2: MTU $1" within 10 eval '[ "$(mtu_of)" = '"$1"' ]'
	check "$2: the same key" within 20 same_psk
	check "$2: the MTU stays $1" [ "$(mtu_of)" = "$1" ]
	check "$2: SIGTERM" ends TERM "$peer"
}
gateway
has_mtu 1420 "the usual path"
ip -n "$b" route add "$server_address/32" via 10.99.0.1 mtu 1400
has_mtu 1320 "a route with an MTU"
ip -n "$b" route del "$server_address/32"
ip -n "$b" link set vb mtu 1470
has_mtu 1390 "a link with an MTU"
ip -n "$b" link set vb mtu 1300
has_mtu 1280 "a small path"
ip -n "$b" link set vb mtu 1450
client allowed-ips "$full"
check "full tunnel: the path beside it counts" within 10 eval '[ "$(mtu_of)" = 1370 ]'
check "full tunnel: the same key" within 20 same_psk
check "full tunnel: SIGTERM" ends TERM "$peer"
ip -n "$b" link set vb mtu 1500
own_words=(mtu 1310)
has_mtu 1310 "the word mtu"
options=(--adopt)
in_b wireguard-go "$b" >go.out 2>&1
within 5 there "$b" >/dev/null
in_b wg set "$b" private-key bob/wgsk
ip -n "$b" link set "$b" mtu 1400
client allowed-ips 10.77.0.1
check "--adopt and mtu" within 10 eval '[ "$(mtu_of)" = 1310 ]'
check "--adopt and mtu: SIGTERM" ends TERM "$peer"
check "--adopt and mtu: its owner's is back" [ "$(mtu_of)" = 1400 ]
ip -n "$b" link del "$b"
within 5 no_driver "$b" >/dev/null
options=()
own_words=()
check "SIGTERM of the server" ends TERM "$server"

# --- wg-quick and rosenpass --------------------------------------------------------------------------------------------

# exchange NAME NAMESPACE OWNER OTHER WORD...: rosenpass beside an interface.
exchange()
{
	local name=$1 namespace=$2 owner=$3 other=$4

	shift 4
	run "$name" ip netns exec "$namespace" "$rosenpass" exchange --name "$name" public-key "$owner/pqpk" \
		secret-key "$owner/pqsk" "$@"
}
one()
{
	# It replaces what the peer had, as if the server were restarted.
	exchange one "$a" alice bob --before-first-exchange block listen "$server_address:9999" peer public-key bob.pub/pqpk \
		wireguard "$a" "$(cat bob.pub/wgpk)"
	one=$pid
}
two()
{
	exchange two "$b" bob alice "$@" peer public-key alice.pub/pqpk endpoint "$server_address:9999" \
		wireguard "$b" "$(cat alice.pub/wgpk)"
	two=$pid
}
# quick up|down NAMESPACE
quick()
{
	ip netns exec "$2" wg-quick "$1" "./$2.conf" >"quick-$2.log" 2>&1
}
full_by_wg_quick()
{
	umask 077
	cat >"$a.conf" <<END
[Interface]
PrivateKey = $(cat alice/wgsk)
ListenPort = 51820
Address = 10.77.0.1/24
[Peer]
PublicKey = $(cat bob.pub/wgpk)
AllowedIPs = 10.77.0.2/32
END
	cat >"$b.conf" <<END
[Interface]
PrivateKey = $(cat bob/wgsk)
Address = 10.77.0.2/24
[Peer]
PublicKey = $(cat alice.pub/wgpk)
AllowedIPs = 0.0.0.0/0
Endpoint = $server_address:51820
END
	umask 022
	check "wg-quick: up" eval 'quick up "$a" && quick up "$b"'
	check "wg-quick: a packet to the server would go into the tunnel" through "$b" "$server_address"
	# The server has a random key, as after a restart.
	one
	check "wg-quick: the server has a key" within 10 has_psk "$a"
	two
	check "wg-quick: the same key" within 20 same_psk
	check "wg-quick: our sockets have its mark" marked "$b" 0xca6c
	check "wg-quick: status has it" eval '"$rosenpass" status two --json | grep -E "\"fwmark\": *51820"'
	check "wg-quick: it is said" grep -q "carry the fwmark 0xca6c of WireGuard's $b" two.err
	check "wg-quick: the Internet" within 20 reaches "$internet"
	check "wg-quick: both end with 0" ends TERM "$one" "$two"

	# The server's tunnel is another one, and the client's still takes all packets.
	check "wg-quick: the server goes down and up" eval 'quick down "$a" && quick up "$a"'
	one
	check "wg-quick: the server has a key" within 10 has_psk "$a"
	two
	check "wg-quick, restart: the same key" within 20 same_psk
	check "wg-quick, restart: the Internet" within 40 reaches "$internet"
	in_b wg set "$b" fwmark 0x5151
	check "wg set fwmark: our sockets follow" within 20 marked "$b" 0x5151
	in_b wg set "$b" fwmark 51820
	check "wg set fwmark: our sockets follow again" within 20 marked "$b" 0xca6c
	check "wg-quick down" quick down "$b"
	# The daemon is there first.
	check "wg-quick up, later than the daemon" quick up "$b"
	check "up later: our sockets have its mark" within 5 marked "$b" 0xca6c
	check "up later: the same key" within 20 same_psk
	check "up later: the Internet" within 40 reaches "$internet"
	kill_9 "$two"
	check "the server: SIGTERM" ends TERM "$one"
	check "the server goes down and up again" eval 'quick down "$a" && quick up "$a"'
	one
	two fwmark off
	check "fwmark off: the key is random" within 10 has_psk "$b"
	sleep 3
	check "fwmark off: no exchange, as our packets are in the tunnel" not same_psk
	check "fwmark off: our sockets have none" marked "$b"
	check "fwmark off: SIGTERM" ends TERM "$two"
	two fwmark 51820
	check "fwmark 51820: the same key" within 20 same_psk
	check "fwmark 51820: both end with 0" ends TERM "$one" "$two"
	quick down "$b"
	quick down "$a"
}
if command -v wg-quick >/dev/null && { command -v nft || command -v iptables; } >/dev/null; then
	full_by_wg_quick
else
	skip "a full tunnel by wg-quick: no wg-quick, or neither nft nor iptables"
fi

# Without the capability there is one warning, which says what to do.
if command -v setpriv >/dev/null; then
	cp "$keys/alice.sk" plain.sk && chown 65534 plain.sk
	mkdir plain && chown 65534 plain
	RUNTIME_DIRECTORY=$work/plain run plain ip netns exec "$b" setpriv --reuid 65534 --clear-groups "$rosenpass" \
		exchange public-key "$keys/alice.pk" secret-key plain.sk listen 127.0.0.1:0 listen "[::1]:0" fwmark 5 \
		peer public-key "$keys/bob.pk" outfile "$work/plain/out"
	plain=$pid
	check "no capability: it is said" within 10 grep -q "fwmark 0x5 without CAP_NET_ADMIN" plain.err
	check "no capability: it goes on" within 10 grep -q "exchanging keys with 1 peer" plain.err
	check "no capability: said once for two sockets" counts 1 "fwmark 0x5 without CAP_NET_ADMIN" plain.err
	check "no capability: SIGTERM" ends TERM "$plain"
else
	skip "no capability: no setpriv"
fi

# --- a small path -----------------------------------------------------------------------------------------------------

# Between the two there is a router with a link of 1000 bytes, which says nothing of what it drops.
router=${a}r
ip netns add "$router"
ip link add r0 netns "$router" type veth peer name ra netns "$a"
ip link add r1 netns "$router" type veth peer name rb netns "$b"
ip -n "$a" addr add 10.98.1.1/24 dev ra
ip -n "$b" addr add 10.98.2.1/24 dev rb
ip -n "$router" addr add 10.98.1.2/24 dev r0
ip -n "$router" addr add 10.98.2.2/24 dev r1
for word in "$router lo" "$router r0" "$router r1" "$a ra" "$b rb"; do
	read -r namespace link <<<"$word"
	ip -n "$namespace" link set "$link" up
done
ip -n "$a" route add 10.98.2.0/24 via 10.98.1.2
ip -n "$b" route add 10.98.1.0/24 via 10.98.2.2
ip netns exec "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip -n "$router" link set r1 mtu 1000
ip -n "$b" link set rb mtu 1000
ip -n "$router" rule add pref 1 iif lo blackhole
check "a small path: small packets pass" in_b ping -c 1 -W 2 10.98.1.1
check "a small path: large ones do not, where they must stay whole" \
	not ip netns exec "$a" ping -c 1 -W 1 -M "do" -s 1100 10.98.2.1
small()
{
	run "$1" ip netns exec "$2" "$rosenpass" exchange --name "$1" public-key "$keys/$3.pk" secret-key "$keys/$3.sk" \
		"${@:4}" outfile "$work/$1.key"
	small+=("$pid")
}
small=()
small small-a "$a" alice listen 10.98.1.1:9998 peer public-key "$keys/bob.pk"
small small-b "$b" bob peer public-key "$keys/alice.pk" endpoint 10.98.1.1:9998
check "a small path: the same key" within 10 same_key small-a.key small-b.key
check "a small path: both end with 0" ends TERM "${small[@]}"
# The other way round: what is large comes through the router from the other side.
small=()
small small-b "$b" bob listen 10.98.2.1:9998 peer public-key "$keys/alice.pk"
rm -f small-a.key small-b.key
small small-a "$a" alice peer public-key "$keys/bob.pk" endpoint 10.98.2.1:9998
check "a small path, called from the other side: the same key" within 10 same_key small-a.key small-b.key
check "a small path, called from the other side: both end with 0" ends TERM "${small[@]}"
ip netns del "$router"

# --- end
finish
