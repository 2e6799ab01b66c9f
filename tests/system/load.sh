#!/usr/bin/env bash
# usage: load.sh ROSENPASS FLOOD
# A daemon that gets more handshakes than it can work through: it demands cookies, still serves who can show one,
# and goes back to normal afterwards. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
flood=$(absolute "$2")

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
run flood "$flood" "$vectors" 127.0.0.1 "$port" 14
flood_pid=$pid
check "flooded: it demands cookies" within 10 under_load true
check "flooded: status says so in words" bash -c '"$1" status hub | grep -q "under load"' - "$rosenpass"
check "flooded: metrics say so" bash -c '"$1" metrics hub | grep -qx "rosenpass_under_load{daemon=\"hub\"} 1"' - "$rosenpass"
start carol carol peer public-key "$keys/bob.pk" endpoint "127.0.0.1:$port" outfile hub.key
check "flooded: a peer gets its key all the same" agree carol hub.key
check "flooded: still under load by then" under_load true
wait "$flood_pid" 2>/dev/null
check "afterwards: no more cookies" within 40 under_load false
check "the flood met cookies" bash -c '[ "$(sed "s/.*, \(.*\) cookies/\1/" flood.out)" -gt 0 ]'
check "both end with 0" ends TERM "$hub" "$pid"

finish
