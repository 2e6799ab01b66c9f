#!/usr/bin/env bash
# usage: silence-vpn.sh RP RP_FAST ROSENPASS
# VPNs whose keys are agreed upon while WireGuard gets no handshake, and preshared keys of rp on one side: what is
# logged, once, and that it ends. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

# shellcheck source=vpn.bash disable=SC2154
source "$here/vpn.bash" "$@"

program_in_use=$fast
# WireGuard's own clock is not faster: it tries every five seconds.
export ROSENPASS_TEST_CLOCK_SCALE=5

# What comes for WireGuard's port is dropped without a word. The rule has to stand before that for local addresses.
if ! in_a ip rule add pref 100 lookup local || ! in_a ip rule del pref 0 || ! in_a ip rule add pref 10 iif va ipproto udp dport 10000 blackhole 2>/dev/null; then
	skip "a blocked port: this kernel has no such rules"
	finish
	exit
fi
server
peer
check "the keys are agreed upon" within 20 same_psk
check "the caller says that WireGuard has no handshake" within 40 grep -qE \
	"info: peer alice.pub: the key is in WireGuard's $b, but there is no handshake: nothing comes back from 10.99.0.1:10000" peer.err
check "rp status shows it" bash -c '"$1" status "$2" | grep -q "^  no handshake: "' - "$rp" "$b"
check "rp status shows that there was none" bash -c '"$1" status "$2" | grep -q "^  latest handshake: none yet"' - "$rp" "$b"
check "rp status calls the peer by its directory" bash -c '"$1" status "$2" | grep -q "^  name: alice.pub$"' - "$rp" "$b"
check "rosenpass status shows it" bash -c '"$1" status "$2" | grep -q "there is no handshake"' - "$rosenpass" "$b"
check "metrics show it" bash -c '"$1" metrics "$2" | grep -qE "^rosenpass_output_tunnel_problem.* 1$"' - "$rosenpass" "$b"
check "the log calls the peer by its directory" grep -q 'info: peer bob.pub: exchanged a key' server.err
sleep 5
check "it is said once" counts 1 'there is no handshake' peer.err
in_a ip rule del pref 10
check "the port opens: ping" within 30 pings
check "the port opens: it is said" within 20 grep -q "info: peer alice.pub: WireGuard's $b has had a handshake" peer.err
check "the port opens: rp status has no trouble" not bash -c '"$1" status "$2" | grep -q "^  no handshake: "' - "$rp" "$b"
check "both end with 0" ends TERM "$server" "$peer"

server
peer
check "the keys are agreed upon again" within 20 same_psk
in_a wg set "$a" peer "$(cat bob.pub/wgpk)" remove
check "a peer of the device that is gone: it is said, and made again" within 20 grep -q "$a, or a peer of it, was gone" server.err
check "both end with 0" ends TERM "$server" "$peer"

wg genpsk >alice.pub/psk
server
peer
check "psk on one side only: the caller" within 20 grep -qE 'info: peer alice.pub: no answer for .*one is set here' peer.err
check "psk on one side only: the server" within 20 grep -qE \
	"info: peer bob.pub: 10.99.0.2:[0-9]+ says that it is this peer, but does not prove it.*none is set here; compare the file psk" server.err
check "rp status shows it at the caller" bash -c '"$1" status "$2" | grep -q "^  unanswered: no answer for"' - "$rp" "$b"
check "rp status shows it at the server" bash -c '"$1" status "$2" | grep -q "^  rejected: .*peer bob.pub: "' - "$rp" "$a"
check "both end with 0" ends TERM "$server" "$peer"

finish
