#!/usr/bin/env bash
# usage: vpn-start.sh RP RP_FAST ROSENPASS ASK
# How soon a tunnel is up: when the second side starts, whichever that is, after every kind of restart, when a peer moved while we were
# away; and what happens to preshared keys before the first exchange and at the end. On WireGuard of user space
# (wireguard-go) in two network namespaces. A machine that is busy makes single tries slow, so most of several have to
# be fast. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"
program "$4" ask
ask=$program

mkdir "$work/state" || exit 1
export STATE_DIRECTORY=$work/state
# A handshake of WireGuard that fails costs five seconds; less than that is none that failed.
fast_ms=3000

# time_until_ping: in $ms; a minute where there is none.
time_until_ping()
{
	local start=${EPOCHREALTIME/./}

	ms=60000
	for ((i = 0; i < 300; i++)); do
		if in_b ping -c 1 -W 0.2 10.77.0.1 >/dev/null 2>&1; then
			ms=$(((${EPOCHREALTIME/./} - start) / 1000))
			return
		fi
		sleep 0.02
	done
}
# count_fast: adds what was measured.
count_fast()
{
	times+=("$ms")
	[ "$ms" -ge "$fast_ms" ] || fast=$((fast + 1))
}
# remembers WHICH: both addresses of its peer.
remembers()
{
	grep -qE '^peer [0-9a-f]{16} address 10\.99\.0\.[12]:[0-9]+ wireguard 10\.99\.0\.[12]:[0-9]+$' \
		"$STATE_DIRECTORY/$1.peers"
}

# --- the first key -----------------------------------------------------------------------------------------------------

# The peer pings from the start on: that WireGuard has tried in vain before there was a key must not make it wait.
times=() fast=0
for ((round = 0; round < 10; round++)); do
	rm -f "$STATE_DIRECTORY"/*.peers
	server
	within 10 has_psk "$a"
	peer
	time_until_ping
	count_fast
	ends TERM "$server" "$peer"
done
check "ping at once in 9 of 10 starts (${times[*]} ms)" [ "$fast" -ge 9 ]

# Where the peer was before it is not any more.
times=() fast=0
for ((round = 0; round < 5; round++)); do
	server
	within 10 has_psk "$a"
	peer
	time_until_ping
	count_fast
	ends TERM "$server" "$peer"
done
check "ping at once in 4 of 5 starts although the peer has moved (${times[*]} ms)" [ "$fast" -ge 4 ]

# --- the called side starts second --------------------------------------------------------------------------------------

# It cannot call, and the calling side cannot know when it starts. What the server's own clock says about the time until
# the first key does not count how long a busy machine takes to start a process.
key_soon_ms=2000
first_key_time()
{
	local uptime age

	uptime=$(value "$a" uptime) && age=$(value "$a" peers.0.key_age) && [[ $uptime$age =~ ^[0-9.]+$ ]] || return 1
	ms=$(awk "BEGIN { print int(1000 * ($uptime - $age)) }")
}
# called_side_second SECONDS ROUNDS
called_side_second()
{
	times=() fast=0 pinged=0
	for ((round = 0; round < $2; round++)); do
		rm -f "$STATE_DIRECTORY"/*.peers
		peer
		within 10 there "$b"
		sleep "$1"
		retries=$(value "$b" peers.0.retransmissions)
		server
		within 10 there "$a"
		time_until_ping
		[ "$ms" -ge "$fast_ms" ] || pinged=$((pinged + 1))
		ms=60000
		within 10 first_key_time
		times+=("$ms")
		[ "$ms" -ge "$key_soon_ms" ] || fast=$((fast + 1))
		ends TERM "$server" "$peer"
	done
}
called_side_second 1 5
check "called side 1 s later: a key at once in 4 of 5 starts (${times[*]} ms)" [ "$fast" -ge 4 ]
check "called side 1 s later: ping at once in 4 of 5 starts" [ "$pinged" -ge 4 ]
called_side_second 25 3
check "called side 25 s later: it was called all the time ($retries times)" [ "$retries" -ge 25 ]
check "called side 25 s later: a key at once in 2 of 3 starts (${times[*]} ms)" [ "$fast" -ge 2 ]
check "called side 25 s later: ping at once in 2 of 3 starts" [ "$pinged" -ge 2 ]

# --- restarts ------------------------------------------------------------------------------------------------------------

server
within 10 has_psk "$a"
peer
check "ping" within 20 pings
check "the server remembers the peer" within 20 remembers "$a"
check "the peer remembers the server" within 20 remembers "$b"
check "for its own eyes" [ "$(stat -c %a "$STATE_DIRECTORY/$a.peers")" = 600 ]
check "there is no key in it" not grep -qF "$(psk "$a")" "$STATE_DIRECTORY/$a.peers"
times=() fast=0
for signal in TERM KILL TERM KILL; do
	{ kill -"$signal" "$server" && wait "$server"; } 2>/dev/null
	within 5 not there "$a"
	server
	within 10 there "$a"
	time_until_ping
	count_fast
	sleep 3
done
check "ping soon after 3 of 4 restarts of the server (${times[*]} ms)" [ "$fast" -ge 3 ]
times=() fast=0
for signal in TERM KILL; do
	{ kill -"$signal" "$peer" && wait "$peer"; } 2>/dev/null
	within 5 not there "$b"
	peer
	within 10 there "$b"
	time_until_ping
	count_fast
done
check "ping soon after a restart of the peer (${times[*]} ms)" [ "$fast" -ge 1 ]
echo nonsense >"$STATE_DIRECTORY/$a.peers"
check "the server ends with 0" ends TERM "$server"
echo nonsense >"$STATE_DIRECTORY/$a.peers"
server
check "a damaged file: a warning" within 10 grep -q 'warn: state file .* is damaged; ignoring it' server.err
# Nobody calls now but the peer, whose WireGuard notices that nobody answers. Without that it would be two minutes.
in_b ping -i 0.5 -w 60 10.77.0.1 >/dev/null 2>&1 &
pids+=("$!")
check "a damaged file: the peer finds out that the server was restarted" within 45 pings
check "and the file is a good one again" within 20 remembers "$a"
check "both end with 0" ends TERM "$server" "$peer"

# --- interfaces of somebody else ----------------------------------------------------------------------------------------

# interface NAME KEYS ADDRESS LISTEN PEER_KEYS ALLOWED [ENDPOINT]: as an administrator makes it.
interface()
{
	ip netns exec "$1" wireguard-go "$1" >"go-$1.out" 2>&1
	within 10 there "$1"
	ip netns exec "$1" wg set "$1" private-key "$2/wgsk" listen-port "$4" \
		peer "$(cat "$5.pub/wgpk")" allowed-ips "$6" ${7:+endpoint "$7"}
	ip -n "$1" addr add "$3" dev "$1"
	ip -n "$1" link set "$1" up
}
interface "$a" alice 10.77.0.1/24 10000 bob 10.77.0.2/32
interface "$b" bob 10.77.0.2/24 10000 alice 10.77.0.1/32 10.99.0.1:10000
ping4()
{
	in_b ping -c 1 -W 1 10.77.0.1
}
# daemon NAME NETNS OWN PEER [OPTION]... -- [WORD]...: rosenpass beside that interface.
daemon()
{
	local name=$1 netns=$2 own=$3 other=$4
	local options=()

	shift 4
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	run "$name" ip netns exec "$netns" "$rosenpass" exchange --name "$name" ${options[@]+"${options[@]}"} \
		public-key "$own/pqpk" secret-key "$own/pqsk" "${@:1:2}" peer public-key "$other.pub/pqpk" "${@:3:2}" \
		wireguard "$netns" "$(cat "$other.pub/wgpk")"
}
check "a tunnel without Rosenpass" within 10 ping4
daemon one "$a" alice bob -- listen 10.99.0.1:9999
one=$pid
within 10 grep -q 'exchanging keys' one.err
sleep 1
check "leave: no preshared key is set" [ "$(psk "$a")" = "(none)" ]
check "leave: status says that the tunnel is not protected" \
	eval '"$rosenpass" status one | grep -q "is not protected yet"'
check "leave: the same in JSON" eval '"$rosenpass" status one --json | grep -q "\"protected\": *false"'
check "leave: ping goes on" ping4
daemon two "$b" bob alice --on-exit random -- listen 10.99.0.2:9999 endpoint 10.99.0.1:9999
two=$pid
check "both come to hold the same key" within 20 same_psk
check "status: protected" eval '"$rosenpass" status one --json | grep -q "\"protected\": *true"'
check "ping goes on with it" within 10 ping4
key=$(psk "$b")
check "SIGTERM: both end with 0" ends TERM "$one" "$two"
check "keep: the key is still there" [ "$(psk "$a")" = "$key" ]
check "random: another one is there" eval 'has_psk "$b" && [ "$(psk "$b")" != "$key" ]'
daemon one "$a" alice bob -- listen 10.99.0.1:9999
one=$pid
within 10 grep -q 'exchanging keys' one.err
sleep 1
check "leave: the last key is left, too" [ "$(psk "$a")" = "$key" ]
check "it ends with 0" ends TERM "$one"
daemon one "$a" alice bob --before-first-exchange block -- listen 10.99.0.1:9999
one=$pid
check "block: a random key takes its place" within 10 eval 'has_psk "$a" && [ "$(psk "$a")" != "$key" ]'
check "it ends with 0" ends TERM "$one"
ip -n "$a" link del "$a"
ip -n "$b" link del "$b"
check "its wireguard-go ends" within 5 eval 'no_driver "$a" && no_driver "$b"'
finish
