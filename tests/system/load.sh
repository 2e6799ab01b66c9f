#!/usr/bin/env bash
# usage: load.sh ROSENPASS FLOOD VARY_KEYS ASK
# A daemon that gets more handshakes than it can work through: it demands cookies, still serves a peer that can show one
# and peers that know none, and goes back to normal afterwards. One that starts while its peers are calling reads
# nothing before it knows all of them. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
flood=$(absolute "$2")
vary_keys=$(absolute "$3")
ask=$(absolute "$4")

under_load()
{
	"$rosenpass" status hub --json | grep -q "\"under_load\": $1"
}

in_folder load
free_port
start hub bob listen "127.0.0.1:$port" \
	peer public-key "$keys/alice.pk" outfile alice \
	peer public-key "$keys/carol.pk" outfile carol
hub=$pid
check "before: it answers" within 10 under_load false
run flood "$flood" "$vectors" 127.0.0.1 "$port" 26 "$keys/bob.pk"
flood_pid=$pid
check "flooded: it demands cookies" within 10 under_load true
check "flooded: status says so in words" bash -c '"$1" status hub | grep -q "under load"' - "$rosenpass"
check "flooded: metrics say so" bash -c '"$1" metrics hub | grep -qx "rosenpass_under_load{daemon=\"hub\"} 1"' - "$rosenpass"
start carol carol peer public-key "$keys/bob.pk" endpoint "127.0.0.1:$port" outfile hub.key
check "flooded: a peer gets its key all the same" agree carol hub.key
check "flooded: still under load by then" under_load true
# One of the flood's InitHellos is that of a peer, and the flood ignores cookies as the releases 0.2.x do. Copies of
# one InitHello are answered eight times in ten seconds at most.
answered()
{
	value hub "traffic.received.InitHello answered"
}
before=$(answered)
answered_again()
{
	[ "$(answered)" -gt "$before" ]
}
check "flooded: a peer that ignores cookies is answered all the same" within 12 answered_again
wait "$flood_pid" 2>/dev/null
check "afterwards: no more cookies" within 40 under_load false
check "the flood met cookies" bash -c '[ "$(sed "s/.*, \(.*\) cookies/\1/" flood.out)" -gt 0 ]'
check "both end with 0" ends TERM "$hub" "$pid"

# Many peers take a while to add; the last one is calling all the time. What is read too early is called
# "unknown peer" after a decapsulation.
peers=300
mkdir "$work/many" && "$vary_keys" "$keys/carol.pk" "$peers" "$work/many" || exit 1
free_port
# configuration OWNER PEERS
configuration()
{
	local i

	cat <<-END
		public_key = "$keys/$1.pk"
		secret_key = "$keys/$1.sk"
		listen = ["127.0.0.1:$port"]
	END
	for ((i = 1; i <= $2; i++)); do
		printf '\n[[peers]]\npublic_key = "%s/%d"\nkey_out = "out-%d"\n' "$work/many" "$i" "$i"
	done
	printf '\n[[peers]]\npublic_key = "%s/alice.pk"\nkey_out = "alice-out"\n' "$keys"
}
received()
{
	value many "traffic.received.$1"
}
is_answered()
{
	[ "$(received "InitHello answered")" -gt 0 ]
}
run flood "$flood" "$vectors" 127.0.0.1 "$port" 60 "$keys/bob.pk"
flood_pid=$pid
configuration bob "$peers" >many.toml
run many "$rosenpass" exchange-config many.toml
many=$pid
check "start while a peer calls: it is answered" within "$wait_seconds" is_answered
check "start while a peer calls: none was taken for a stranger" [ "$(received 'unknown peer')" -eq 0 ]
check "it ends with 0" ends TERM "$many"

# The same when the engine process is replaced. With its first key the flood is not meant for this daemon.
configuration carol 1 >many.toml
run many "$rosenpass" exchange-config many.toml
many=$pid
check "another own key: before, it has other peers" within "$wait_seconds" value many pid
configuration bob "$peers" >many.toml
check "another own key: reload" "$rosenpass" reload many
check "another own key: the peer is answered" within "$wait_seconds" is_answered
check "another own key: none was taken for a stranger" [ "$(received 'unknown peer')" -eq 0 ]
check "it ends with 0" ends TERM "$many"
kill "$flood_pid" 2>/dev/null && wait "$flood_pid" 2>/dev/null

finish
