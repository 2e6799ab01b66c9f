#!/usr/bin/env bash
# usage: silence.sh ROSENPASS ROSENPASS_FAST ASK STRANGERS
# Peers that do not answer, and callers that are rejected: what both sides log, once, and that it ends. Needs root and
# network namespaces; else it is skipped (77). The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"

# It works in namespaces of its own, which end with it whatever ends it: networks, mounts and processes.
if [ "${1-}" != inside ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "skipped: network namespaces need root"
		exit 77
	fi
	own=(unshare --net --mount --pid --fork --kill-child --mount-proc)
	if ! command -v ip >/dev/null || ! "${own[@]}" bash -c 'ip link add quiet type veth peer name end' 2>/dev/null; then
		echo "skipped: this system has no namespaces with virtual links (unshare, ip, veth)"
		exit 77
	fi
	exec "${own[@]}" bash "$root/tests/system/silence.sh" inside "$@"
fi
shift
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
slow=$program
program "$2" rosenpass_fast
fast=$program
ask=$(absolute "$3")
strangers=$(absolute "$4")
# What takes ten seconds takes one.
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=10
head -c 32 /dev/urandom | base64 -w 0 >"$work/psk"
chmod 600 "$work/psk"

ip link set lo up
# Whatever is sent to 10.3.0.9 vanishes: its hardware address is known, and is nobody's.
ip link add quiet type veth peer name end
ip address add 10.3.0.1/24 dev quiet
ip link set quiet up
ip link set end up
ip neigh replace 10.3.0.9 lladdr 02:00:00:00:00:99 dev quiet nud permanent

# client PEER_KEY ENDPOINT [LINE...]: a daemon with one peer called hub, from a file that can be changed.
client()
{
	write "$@"
	run client "$rosenpass" exchange-config client.toml
}
write()
{
	local key=$1 endpoint=$2

	shift 2
	{
		printf 'public_key = "%s"\nsecret_key = "%s"\n' "$keys/bob.pk" "$keys/bob.sk"
		printf '[[peers]]\nname = "hub"\npublic_key = "%s"\nendpoint = "%s"\nkey_out = "b"\n' "$keys/$key.pk" "$endpoint"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >client.toml
}
# server [WORD...]: one with Bob as its peer at 127.0.0.1:$port.
server()
{
	run server "$rosenpass" exchange --name server public-key "$keys/alice.pk" secret-key "$keys/alice.sk" \
		listen "${at:-127.0.0.1}:$port" peer public-key "$keys/bob.pk" name laptop outfile a "$@"
	server=$pid
}
# once WORDS PATTERN FILE: the line comes, and comes once in what would be two minutes.
once()
{
	check "$1" within 15 grep -qE "$2" "$3"
	sleep 4
	check "$1: once" counts 1 "$2" "$3"
}

# In a pattern a "+" of base64 is no repetition.
id_of_bob=$(peer_id bob | sed 's/[+]/[+]/g')
id_of_alice=$(peer_id alice | sed 's/[+]/[+]/g')

# --- the calling side ------------------------------------------------------------------------------------------------

in_folder closed-port
free_port
client alice "127.0.0.1:$port"
client=$pid
once "a closed port" "info: peer hub: no answer for 1[0-9] seconds from 127.0.0.1:$port \(Connection refused\): .*nothing listens" client.err
check "a closed port: status tells" within 5 shows client peers.0.unanswered.reason errors
check "a closed port: status in words" bash -c '"$1" status client | grep -q "^  unanswered: no answer for .*refused"' - "$rosenpass"
check "a closed port: metrics" bash -c '"$1" metrics client | grep -qE "^rosenpass_peer_unanswered_seconds.* [1-9]"' - "$rosenpass"
server
once "the port opens" 'info: peer hub: answers now after [0-9]+ (second|minute)s?; exchanged a key' client.err
check "the port opens: status tells" within 5 shows client peers.0.unanswered null
kill -KILL "$server"
check "the server is killed: a second line" within 60 counts 2 'no answer for .*Connection refused' client.err
server
check "the server is back" within 30 grep -qE 'info: peer hub: answers again after .*; exchanged another key' client.err
check "a closed port: both end with 0" ends TERM "$server" "$client"

in_folder silent-address
free_port
client alice "10.3.0.9:$port"
client=$pid
once "a silent address" "info: peer hub: no answer for 1[0-9] seconds from 10.3.0.9:$port: nothing comes back.*peer id $id_of_bob" client.err
check "a silent address: status tells" within 5 shows client peers.0.unanswered.reason nothing
ip address add 10.3.0.9/32 dev lo
at=10.3.0.9 server
once "somebody has that address" 'info: peer hub: answers now after' client.err
check "a silent address: both end with 0" ends TERM "$server" "$client"
ip address delete 10.3.0.9/32 dev lo

in_folder no-name
client alice nobody.invalid:9999
client=$pid
once "a name that is not there" 'info: peer hub: no answer for 1[0-9] seconds: endpoint "nobody.invalid:9999" does not resolve' client.err
check "a name that is not there: status tells" within 5 shows client peers.0.unanswered.reason no-address
check "a name that is not there: it ends with 0" ends TERM "$client"

in_folder no-route
client alice 198.51.100.1:9999
client=$pid
once "no route" 'info: peer hub: no answer for 1[0-9] seconds from 198.51.100.1:9999 \(Network is unreachable\): there is no route' client.err
check "no route: it ends with 0" ends TERM "$client"

in_folder loopback
free_port
start client alice listen "127.0.0.1:$port" peer public-key "$keys/bob.pk" name hub outfile a endpoint 10.3.0.9:9999
client=$pid
check "a socket of this host alone: it is said at once" within 5 grep -qE \
	"warn: engine: peer hub: cannot send to 10.3.0.9:9999: nothing can be sent there from an address that is this host's alone" client.err
once "a socket of this host alone" 'info: peer hub: no answer for 1[0-9] seconds .*; correct listen or the endpoint' client.err
check "a socket of this host alone: it ends with 0" ends TERM "$client"

# --- both sides ------------------------------------------------------------------------------------------------------

in_folder psk-at-the-client
free_port
server
client alice "127.0.0.1:$port" "pre_shared_key = \"$work/psk\""
client=$pid
once "a preshared key at the client only: the client" 'info: peer hub: no answer .*nothing comes back.*one is set here' client.err
once "a preshared key at the client only: the server" 'info: peer laptop: 127.0.0.1:[0-9]+ says that it is this peer, but does not prove it.*none is set here' server.err
check "the server's status tells" within 5 shows server rejected.last.0.reason not-proven
check "the server's status names the peer" within 5 shows server rejected.last.0.claimed_name laptop
check "the server's status in words" bash -c '"$1" status server | grep -q "^    .* ago.*: peer laptop: .*preshared keys differ"' - "$rosenpass"
write alice "127.0.0.1:$port"
kill -HUP "$client"
once "the preshared key is taken away: it answers" 'info: peer hub: answers now after' client.err
check "the preshared key is taken away: the same key" agree a b
check "the preshared key is taken away: nobody is rejected any more" within 5 shows server 'rejected.callers' 0
check "a preshared key at the client only: both end with 0" ends TERM "$server" "$client"

in_folder psk-at-the-server
free_port
server preshared-key "$work/psk"
client alice "127.0.0.1:$port"
client=$pid
once "a preshared key at the server only: the client" 'info: peer hub: no answer .*nothing comes back.*none is set here' client.err
once "a preshared key at the server only: the server" "info: peer laptop: 127.0.0.1:[0-9]+ says that it is this peer, but does not prove it.*one is set here; compare \"$work/psk\"" server.err
write alice "127.0.0.1:$port" "pre_shared_key = \"$work/psk\""
kill -HUP "$client"
once "the preshared key is given: it answers" 'info: peer hub: answers now after' client.err
check "a preshared key at the server only: both end with 0" ends TERM "$server" "$client"

in_folder unknown
free_port
run server "$rosenpass" exchange --name server public-key "$keys/alice.pk" secret-key "$keys/alice.sk" \
	listen "127.0.0.1:$port" peer public-key "$keys/carol.pk" outfile c
server=$pid
client alice "127.0.0.1:$port"
client=$pid
once "an unknown key: the client" "info: peer hub: no answer .*nothing comes back.*peer id $id_of_bob" client.err
once "an unknown key: the server" "info: 127.0.0.1:[0-9]+ calls and says that its peer id is $id_of_bob, which is none of our peers'" server.err
check "the id can be compared" bash -c '"$1" fingerprint --peer-id "$2" | grep -qF "$3  BLAKE2b"' - "$rosenpass" "$keys/bob.pk" "$(peer_id bob)"
check "the server's status has the id" within 5 shows server rejected.last.0.claimed_id "$id_of_bob"
check "the server's metrics count it" bash -c '"$1" metrics server | grep -qE "^rosenpass_rejected_total.* [1-9]"' - "$rosenpass"
check "the key is added" "$rosenpass" peer add --daemon server public-key "$keys/bob.pk" outfile "$PWD/a"
once "the key is added: it answers" 'info: peer hub: answers now after' client.err
check "an unknown key: both end with 0" ends TERM "$server" "$client"

in_folder other-key
free_port
server
client carol "127.0.0.1:$port"
client=$pid
once "a wrong key of the server: the server" "info: 127.0.0.1:[0-9]+ calls with another public key than ours.*peer id $id_of_alice" server.err
once "a wrong key of the server: the client" 'info: peer hub: no answer .*our copy of its key is wrong' client.err
check "a wrong key of the server: both end with 0" ends TERM "$server" "$client"

# --- the default level -----------------------------------------------------------------------------------------------

# As documented, at the default level and at the usual speed.
in_folder plain
rosenpass=$slow
unset ROSENPASS_TEST_CLOCK_SCALE
free_port
begin=$SECONDS
client alice "127.0.0.1:$port"
client=$pid
check "ten seconds without an answer" within 15 grep -q 'info: peer hub: no answer for 10 seconds' client.err
check "ten seconds, neither less nor much more" [ $((SECONDS - begin)) -ge 9 -a $((SECONDS - begin)) -le 13 ]
check "it ends with 0" ends TERM "$client"

# --- strangers -------------------------------------------------------------------------------------------------------

in_folder strangers
free_port
server
check "the server starts" within 10 grep -q 'info: exchanging' server.err
run flood "$strangers" "$port" "$keys/alice.pk" "$keys/carol.pk" "$keys/carol.sk" 1000
flood=$pid
sleep 2
# In the middle of it a peer with a wrong preshared key.
client alice "127.0.0.1:$port" "pre_shared_key = \"$work/psk\""
client=$pid
check "a peer is told about in a flood" within 10 grep -q 'info: peer laptop: .* says that it is this peer' server.err
check "the strangers have called" within 60 grep -qx 2000 flood.out
wait "$flood"
sleep 1
check "two thousand datagrams of strangers: at most six lines of each kind" \
	bash -c '[ "$(grep -c "calls and says" server.err)" -le 6 ] && [ "$(grep -c "calls with another" server.err)" -le 6 ]'
check "but some" bash -c 'grep -q "calls and says" server.err && grep -q "calls with another" server.err'
check "the log is short" [ "$(wc -l <server.err)" -le 16 ]
check "status lists no more than sixteen" shows server 'rejected.last.#' 16
check "a flood: both end with 0" ends TERM "$server" "$client"

finish
