# What the tests of full tunnels share; sourced after vpn.bash: more networks around the two, and a client with words of its
# own about its peer.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154

# The server is behind a router, as far as the client knows, and behind the server is the Internet.
server_address=198.51.100.1
internet=203.0.113.9
internet_v6=2001:db8::9
ip -n "$a" addr add "$server_address/32" dev lo
ip -n "$a" addr add "$internet/32" dev lo
ip -n "$a" addr add "$internet_v6/128" dev lo
ip -n "$b" route add default via 10.99.0.1
# The client has a second network: its neighbours are there.
ip -n "$b" link add lan0 type veth peer name lan1 netns "$a"
ip -n "$b" addr add 10.50.0.1/24 dev lan0
ip -n "$b" addr add fd50::1/64 dev lan0 nodad
ip -n "$b" link set lan0 up
ip -n "$a" link set lan1 up
ip -n "$b" route add 10.60.0.0/24 via 10.50.0.9 dev lan0
ip -n "$b" -6 route add fd60::/64 via fd50::9 dev lan0
ip -n "$b" route add 10.70.0.0/24 via 10.50.0.7 dev lan0 metric 100

# state: all that a tunnel may have changed in the client's network, but for its own interface.
state()
{
	local setting

	ip -n "$b" rule
	ip -n "$b" -6 rule
	ip -n "$b" -4 route show table all
	ip -n "$b" -6 route show table all | grep -v -e fe80:: -e ff00::
	for setting in src_valid_mark rp_filter; do
		ip netns exec "$b" cat "/proc/sys/net/ipv4/conf/all/$setting"
	done
}
same_state()
{
	diff "$1" <(state)
}
# reaches ADDRESS...: from the client.
reaches()
{
	local address

	for address in "$@"; do
		in_b ping -c 1 -W 1 "$address" || return 1
	done
}
# through DEVICE ADDRESS: where the client would send a packet that carries no mark.
through()
{
	[[ "$(ip -n "$b" route get "$2") " == *" dev $1 "* ]] || { ip -n "$b" route get "$2"; false; }
}
# marked NAMESPACE NUMBER: the sockets of Rosenpass there have that mark, and there are some; without NUMBER they have none.
marked()
{
	local sockets

	sockets=$(ip netns exec "$1" ss -Huapne 2>/dev/null | grep -E 'rosenpass|"rp"')
	[ -n "$sockets" ] || { echo "no socket"; return 1; }
	if [ $# -eq 1 ]; then
		! grep -q fwmark: <<<"$sockets" || { echo "$sockets"; false; }
	else
		! grep -qv "fwmark:$2 " <<<"$sockets" || { echo "$sockets"; false; }
	fi
}
mark_of()
{
	in_b wg show "$b" fwmark
}
mtu_of()
{
	ip -n "$b" -o link show "$b" | sed 's/.* mtu \([0-9]*\) .*/\1/'
}
no_interface()
{
	not there "$b" && no_driver "$b"
}
kill_9()
{
	{ kill -KILL "$1" && wait "$1"; } 2>/dev/null
}
# gateway, client WORD...: the server, and the client with these words about its peer.
gateway()
{
	run server ip netns exec "$a" "${program_in_use:-$rp}" exchange alice dev "$a" ip fd00::1/64,10.77.0.1/24 \
		listen "$server_address:9999" peer bob.pub allowed-ips fd00::2,10.77.0.2
	server=$pid
}
options=()
own_words=()
client()
{
	run peer ip netns exec "$b" "${program_in_use:-$rp}" exchange "${options[@]}" bob dev "$b" \
		ip fd00::2/64,10.77.0.2/24 "${own_words[@]}" \
		peer alice.pub endpoint "$server_address:9999" "$@"
	peer=$pid
}
# refused WHAT PATTERN WORD...: the client ends with status 1 and that line, and nothing is changed.
refused()
{
	local what=$1 pattern=$2

	shift 2
	client "$@"
	check "$what: exit status 1" exits 1 "$peer"
	check "$what: it says why" grep -qE -- "$pattern" peer.err
	check "$what: all is as it was" within 5 same_state before
}

full="0.0.0.0/0,::/0"
