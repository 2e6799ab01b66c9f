#!/usr/bin/env bash
# usage: tunnel-ways.sh RP RP_FAST ROSENPASS
# Tunnels of rp whose routes meet others: a peer's own address among the allowed-ips, marks and tables that somebody else
# uses, two full tunnels at once, routes that cannot be restored, a kernel without IPv6 addresses, a guard that is
# killed. All on WireGuard of user space. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"
# shellcheck source=tunnel.bash
source "$here/tunnel.bash"

state >before

# stands WHAT WORD...: the client's tunnel works, and leaves nothing behind.
stands()
{
	local what=$1

	shift
	client "$@"
	check "$what: the same key" within 20 same_psk
	check "$what: ping" within 20 reaches 10.77.0.1
	check "$what: SIGTERM" ends TERM "$peer"
	check "$what: all is as it was" within 5 same_state before
}

# --- the peer's own address --------------------------------------------------------------------------------------------

gateway
stands "a network around the peer's address" allowed-ips 198.51.100.0/24,10.77.0.1
client allowed-ips 198.51.100.0/24,10.77.0.1
check "around the peer's address: the same key" within 20 same_psk
check "around the peer's address: it goes into the tunnel" through "$b" "$server_address"
check "around the peer's address: so do its neighbours" through "$b" 198.51.100.77
check "around the peer's address: the rest does not" through vb "$internet"
check "around the peer's address: our sockets are marked" marked "$b" 0xca6c
kill_9 "$peer"
check "around the peer's address: kill -9, all is as it was" within 5 same_state before
stands "quarters" allowed-ips 0.0.0.0/2,64.0.0.0/2,128.0.0.0/2,192.0.0.0/2
stands "all and a network around the peer's address" allowed-ips "0.0.0.0/0,198.51.100.0/24"
if [ -e /etc/hosts ]; then
	echo "$server_address server.test" >hosts
	# shellcheck disable=SC2016
	run peer ip netns exec "$b" sh -c 'mount --bind hosts /etc/hosts && exec "$@"' - "$rp" exchange bob dev "$b" \
		ip fd00::2/64,10.77.0.2/24 peer alice.pub endpoint server.test:9999 allowed-ips 198.51.100.0/24,10.77.0.1
	peer=$pid
	check "around an address by name: the same key" within 20 same_psk
	check "around an address by name: ping" within 20 reaches 10.77.0.1
	check "around an address by name: not in the main table" [ -z "$(ip -n "$b" route show 198.51.100.0/24)" ]
	check "around an address by name: SIGTERM" ends TERM "$peer"
	check "around an address by name: all is as it was" within 5 same_state before
else
	skip "around an address by name: no /etc/hosts"
fi
check "SIGTERM of the server" ends TERM "$server"

# The peer is in the client's own network.
server_address=10.99.0.1
gateway
refused "the client's own network" "cannot make the route to 10.99.0.0/24 .*: there is one already, dev vb; .*an endpoint outside" \
	allowed-ips 10.99.0.0/24
options=(--replace-routes)
refused "the client's own network, --replace-routes" "there is one already, dev vb; .*an endpoint outside" \
	allowed-ips 10.99.0.0/24
options=()
client allowed-ips 10.99.0.0/25,10.77.0.1
check "half of its own network: the same key" within 20 same_psk
check "half of its own network: ping" within 20 reaches 10.77.0.1
check "half of its own network: through the tunnel" through "$b" 10.99.0.77
check "half of its own network: the other half is not" through vb 10.99.0.177
check "half of its own network: SIGTERM" ends TERM "$peer"
check "half of its own network: all is as it was" within 5 same_state before
client allowed-ips 10.0.0.0/8
check "more than its own network: the same key" within 20 same_psk
check "more than its own network: ping" within 20 reaches 10.77.0.1
check "more than its own network: neighbours stay neighbours, and nothing is marked" eval 'through vb 10.99.0.77 && marked "$b"'
check "more than its own network: SIGTERM" ends TERM "$peer"
check "more than its own network: all is as it was" within 5 same_state before
check "SIGTERM of the server" ends TERM "$server"
server_address=198.51.100.1
gateway

# --- numbers that somebody else uses -------------------------------------------------------------------------------------

# Marked packets have a table of their own, with another way to the Internet.
ip -n "$b" route add default via 10.99.0.1 table 100
ip -n "$b" rule add from 10.50.0.1 lookup 100
ip -n "$b" rule add fwmark 100 lookup 100
state >before
own_words=(fwmark 100)
client allowed-ips "$full"
check "a mark whose table is in use: the same key" within 20 same_psk
check "a mark whose table is in use: the Internet" within 20 reaches "$internet" "$internet_v6"
check "a mark whose table is in use: the interface has it" [ "$(mark_of)" = 0x64 ]
check "a mark whose table is in use: that is left alone" [ "$(ip -n "$b" route show table 100)" = "default via 10.99.0.1 dev vb " ]
check "a mark whose table is in use: SIGTERM" ends TERM "$peer"
check "a mark whose table is in use: all is as it was" within 5 same_state before
ip -n "$b" rule del from 10.50.0.1 lookup 100
ip -n "$b" rule del fwmark 100 lookup 100
ip -n "$b" route flush table 100
state >before
own_words=(fwmark 254)
client allowed-ips "$full"
check "the number of the main table: the same key" within 20 same_psk
check "the number of the main table: the Internet" within 20 reaches "$internet" "$internet_v6"
check "the number of the main table: SIGTERM" ends TERM "$peer"
check "the number of the main table: all is as it was" within 5 same_state before
own_words=()

# --- two full tunnels ------------------------------------------------------------------------------------------------------

# second ADDRESS: one more client of the same server, with keys and an interface of its own.
"$rp" genkey carol
second()
{
	run second ip netns exec "$b" "$rp" exchange carol dev "${b}s" ip 10.81.0.2/24 \
		peer alice.pub endpoint "$server_address:9999" allowed-ips "$full"
	second=$pid
}
table_of()
{
	ip -n "$b" route show table all | sed -n "s/^default dev $1 table \([0-9]*\) .*/\1/p"
}
two_tables()
{
	[ -n "$(table_of "$b")" ] && [ -n "$(table_of "${b}s")" ] && [ "$(table_of "$b")" != "$(table_of "${b}s")" ]
}
in_b sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter'
state >before
good=0
for ((i = 0; i < 5; i++)); do
	second
	client allowed-ips "$full"
	if ! within 20 same_psk; then
		echo "round $i: no common key" >&2
	elif ! within 10 two_tables; then
		{ echo "round $i: two tables are wanted" && ip -n "$b" rule && ip -n "$b" route show table all &&
			cat second.err peer.err; } >&2
	else
		good=$((good + 1))
	fi
	[ "$i" -eq 4 ] || { ends TERM "$second" "$peer" && within 5 same_state before || good=0; }
done >/dev/null
check "two full tunnels that start at once: each has a table ($good of 5)" [ "$good" -eq 5 ]
check "two full tunnels: one mark, so that neither takes the other's packets" \
	[ "$(mark_of)" = "$(in_b wg show "${b}s" fwmark)" ]
check "two full tunnels: the path beside both counts for the MTU" eval \
	'[ "$(mtu_of)" = 1420 ] && ip -n "$b" link show "${b}s" | grep "mtu 1420"'
check "two full tunnels: a marked packet goes beside both" eval \
	'ip -n "$b" route get "$server_address" mark 0xca6c | grep " dev vb "'
# What the first one had set is still needed.
check "two full tunnels: one ends" ends TERM "$second"
settings()
{
	[ "$(in_b cat /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/all/src_valid_mark | tr '\n' ' ')" = "2 1 " ]
}
check "two full tunnels: the settings stay as the other one needs them" within 20 settings
check "two full tunnels: the Internet by the other one" within 20 reaches "$internet" "$internet_v6"
check "two full tunnels: SIGTERM" ends TERM "$peer"
check "two full tunnels: all is as it was" within 5 same_state before
in_b sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter'
state >before

# --- ends ----------------------------------------------------------------------------------------------------------------

client allowed-ips "$full"
check "rp-guard: the same key" within 20 same_psk
kill -KILL "$(pgrep -P "$peer" -x rp-guard)"
check "rp-guard is killed: exit status 1" exits 1 "$peer"
check "rp-guard is killed: it is said" grep -q "error: the process rp-guard is gone" peer.err
check "rp-guard is killed: all is as it was" within 5 same_state before

# All processes at once, as a service manager kills a cgroup: nobody is left who could undo anything. The next start does.
kill_all()
{
	ip netns pids "$b" | xargs -r kill -KILL
	{ wait "$peer"; } 2>/dev/null
	within 10 no_interface
}
rules()
{
	ip -n "$b" rule
	ip -n "$b" -6 rule
}
# One that somebody else is about to fill, for a tunnel as well.
ip -n "$b" rule add not fwmark 777 lookup 777 priority 30000
rules >rules_before
for mark in "" "fwmark 51820"; do
	read -ra own_words <<<"$mark"
	client allowed-ips "$full"
	within 20 same_psk >/dev/null
	rules >rules_used
	kill_all >/dev/null
	check "everything is killed${mark:+, $mark}: rules stay behind" not diff rules_before <(rules)
	client allowed-ips "$full"
	check "everything is killed${mark:+, $mark}: the next start has the same key" within 20 same_psk
	check "everything is killed${mark:+, $mark}: and the Internet" within 20 reaches "$internet" "$internet_v6"
	check "everything is killed${mark:+, $mark}: it has the rules once" within 5 eval 'diff rules_used <(rules)'
	check "everything is killed${mark:+, $mark}: it is said" grep -q 'info: removed 4 routing rules' peer.err
	kill_all >/dev/null
	client allowed-ips 10.77.0.1
	check "everything is killed${mark:+, $mark}: a start without a full tunnel removes the rules, too" \
		within 5 eval 'diff rules_before <(rules)'
	within 20 same_psk >/dev/null
	# A tunnel that stands keeps its rules while another starts.
	ends TERM "$peer" >/dev/null
	client allowed-ips "$full"
	within 20 same_psk >/dev/null
	second
	check "two full tunnels${mark:+, $mark}: the first keeps its rules when another starts" \
		within 20 eval 'two_tables && [ -z "$(diff rules_used <(rules) | grep "^<")" ]'
	check "two full tunnels${mark:+, $mark}: nothing was removed" not grep -q 'removed . routing' second.err
	check "everything is killed${mark:+, $mark}: SIGTERM" ends TERM "$second" "$peer"
	check "everything is killed${mark:+, $mark}: no rule is left" within 5 eval 'diff rules_before <(rules)'
done
own_words=()
ip -n "$b" rule del not fwmark 777 lookup 777 priority 30000

# IPv6 that is switched off is no "Permission denied".
in_b sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
run peer ip netns exec "$b" "$rp" exchange bob dev "$b" ip 10.77.0.2/24 \
	peer alice.pub endpoint "$server_address:9999" allowed-ips "$full"
peer=$pid
check "no IPv6: the same key" within 20 same_psk
check "no IPv6: the Internet" within 20 reaches "$internet"
check "no IPv6: it is said" grep -q "cannot make the route to ::/0: IPv6 is switched off on interface $b" peer.err
check "no IPv6: SIGTERM" ends TERM "$peer"
in_b sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6'

# The interface of a route that was replaced is gone at the end.
options=(--replace-routes)
client allowed-ips 10.77.0.1,10.50.0.0/24,10.60.0.0/24
options=()
check "replaced routes: the same key" within 20 same_psk
ip -n "$b" link del lan0
check "replaced routes: SIGTERM" ends TERM "$peer"
check "replaced routes: it is said which one has lost its interface" \
	grep -q "warn: the route to 10.50.0.0/24, which ours had replaced, cannot be made again: its interface is gone" peer.err
check "replaced routes: and which one its gateway" \
	grep -q "warn: the route to 10.60.0.0/24 (via 10.50.0.9), which ours had replaced, cannot be made again" peer.err
check "SIGTERM of the server" ends TERM "$server"

# --- end
finish
