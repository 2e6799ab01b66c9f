#!/usr/bin/env bash
# usage: addresses.sh ROSENPASS RP DENY_IPV6
# Where a daemon listens, and what it calls: the spellings of addresses that people know from other programs, a kernel
# without IPv6, ports that only some users can have. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" rp
rp=$program
program "$3" deny_ipv6
deny=$program
in_folder addresses

# listens PORT [4] [6]: in the network of the daemon that was started last, just these families have a socket on every
# address with that port.
listens()
{
	local hex families=

	printf -v hex ':%04X ' "$1"
	shift
	! grep -q " 00000000$hex" "/proc/$pid/net/udp" || families+=4
	! grep -qs " 00000000000000000000000000000000$hex" "/proc/$pid/net/udp6" || families+=6
	echo "families: $families"
	[ "$families" = "$(printf '%s' "$@")" ]
}

# --- spellings --------------------------------------------------------------------------------------------------------

# Every address: one socket for each family.
for spelling in PORT :PORT '*:PORT' '[::]:PORT'; do
	free_port
	start "all" alice listen "${spelling/PORT/$port}" peer public-key "$keys/bob.pk" outfile k
	check "listen $spelling: every address of both families" within 10 listens "$port" 4 6
	check "listen $spelling: ends" ends TERM "$pid"
	printf 'public_key = "%s"\nsecret_key = "%s"\nlisten = ["%s"]\n' "$keys/alice.pk" "$keys/alice.sk" \
		"${spelling/PORT/$port}" >all.toml
	run all "$rosenpass" exchange-config all.toml
	check "listen = [\"$spelling\"]: every address of both families" within 10 listens "$port" 4 6
	check "listen = [\"$spelling\"]: ends" ends TERM "$pid"
done
# Each is tried as listen and as endpoint.
for case in 0:127.1 0.0.0.0:127.0.1 127.1:127.1 0x7f.1:0x7f000001 0177.1:2130706433 127.1:localhost; do
	free_port
	rm -f server.key client.key
	start server alice listen "${case%:*}:$port" peer public-key "$keys/bob.pk" outfile server.key
	server=$pid
	start client bob peer public-key "$keys/alice.pk" endpoint "${case#*:}:$port" outfile client.key
	check "listen ${case%:*}:PORT, endpoint ${case#*:}:PORT" agree server.key client.key
	check "listen ${case%:*}:PORT: both end" ends TERM "$server" "$pid"
done
printf 'public_key = "%s"\nsecret_key = "%s"\nlisten = ["0:%s"]\n[[peers]]\npublic_key = "%s"\nendpoint = "127.1:9"\nkey_out = "k"\n' \
	"$keys/alice.pk" "$keys/alice.sk" "$port" "$keys/bob.pk" >short.toml
run short "$rosenpass" exchange-config short.toml
check 'listen = ["0:PORT"]' within 10 listens "$port" 4
check 'endpoint = "127.1:9"' eval '"$rosenpass" status short | grep -qF 127.0.0.1:9'
check 'listen = ["0:PORT"]: ends' ends TERM "$pid"

# --- a kernel without IPv6 ----------------------------------------------------------------------------------------------

if ! "$deny" true; then
	skip "a kernel without IPv6: this system cannot pretend to be one"
else
	without()
	{
		local name=$1

		shift
		run "$name" "$deny" "$rosenpass" exchange --name "$name" public-key "$keys/alice.pk" \
			secret-key "$keys/alice.sk" "$@" peer public-key "$keys/bob.pk" outfile k
	}
	warns()
	{
		grep -q "^rosenpass: warn: $1" "$2"
	}
	free_port
	without both listen "0.0.0.0:$port" listen "[::]:$port"
	check "no IPv6, 0.0.0.0 and [::]: IPv4" within 10 listens "$port" 4
	check "no IPv6, 0.0.0.0 and [::]: a warning" warns "listen \"\[::\]:$port\": this system has no IPv6; going on with IPv4 alone" both.err
	rm -f client.key k
	start client bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile client.key
	client=$pid
	check "no IPv6: a key is exchanged" agree k client.key
	check "no IPv6, 0.0.0.0 and [::]: both end" ends TERM "$client" "${pids[-2]}"
	for spelling in "[::]:PORT" ":PORT" "PORT" "*:PORT"; do
		free_port
		without one listen "${spelling/PORT/$port}"
		check "no IPv6, $spelling: IPv4" within 10 listens "$port" 4
		check "no IPv6, $spelling: a warning" warns 'listen ".*": this system has no IPv6' one.err
		check "no IPv6, $spelling: ends" ends TERM "$pid"
	done
	free_port
	without mixed listen "127.0.0.1:$port" listen "[::1]:$port"
	check "no IPv6, 127.0.0.1 and [::1]: IPv4" within 10 grep -q "peer" mixed.err
	check "no IPv6, 127.0.0.1 and [::1]: a warning" warns 'listen "\[::1\]:.*": this system has no IPv6' mixed.err
	check "no IPv6, 127.0.0.1 and [::1]: ends" ends TERM "$pid"
	free_port
	without name listen "localhost:$port"
	check "no IPv6, a name of both families: IPv4" within 10 eval '"$rosenpass" status name | grep -qF "127.0.0.1:$port"'
	check "no IPv6, a name of both families: ends" ends TERM "$pid"
	without none
	check "no IPv6, without listen: a warning" within 10 warns 'no IPv6 socket' none.err
	check "no IPv6, without listen: ends" ends TERM "$pid"
	without alone listen "[::1]:$port"
	check "no IPv6, only an address of IPv6: it ends with 1" exits 1 "$pid"
	check "no IPv6, only an address of IPv6: says what to add" grep -q 'error: this system has no IPv6.*0.0.0.0:9999' alone.err
	if is_root && command -v wireguard-go >/dev/null && [ -c /dev/net/tun ] && unshare --net true 2>/dev/null; then
		"$rp" genkey vpn-keys && "$rp" genkey peer-keys && "$rp" pubkey peer-keys peer-public
		free_port
		run vpn unshare --net "$deny" "$rp" exchange vpn-keys dev "rpn$$" listen "$port" peer peer-public
		check "no IPv6, rp listen PORT: IPv4" within 10 listens "$port" 4
		check "no IPv6, rp listen PORT: a warning" grep -q 'warn: listen .*this system has no IPv6' vpn.err
		check "no IPv6, rp listen PORT: ends" ends TERM "$pid"
	else
		skip "rp without IPv6: needs root, network namespaces and wireguard-go"
	fi
fi
if is_root && unshare --net true 2>/dev/null; then
	# IPv6 is in the kernel, and switched off in this network.
	cat >off.sh <<-'END'
		sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
		ip link set lo up
		exec "$@"
	END
	run off unshare --net bash off.sh "$rosenpass" exchange --name off public-key "$keys/alice.pk" \
		secret-key "$keys/alice.sk" listen 0.0.0.0:9999 listen '[::]:9999' listen '[::1]:9998' \
		peer public-key "$keys/bob.pk" outfile k
	check "IPv6 switched off: IPv4 works" within 10 listens 9999 4 6
	check "IPv6 switched off: ends" ends TERM "$pid"
fi

# --- ports below 1024 -------------------------------------------------------------------------------------------------

limit=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024)
if is_root && command -v setpriv >/dev/null && [ "$limit" -gt 443 ]; then
	chmod 755 .
	mkdir other
	cp "$keys/alice.sk" "$keys/alice.pk" "$keys/bob.pk" other && chown -R 1234:1234 other
	# As the unit starts it.
	as_service()
	{
		local caps=$1

		shift
		(cd other && RUNTIME_DIRECTORY=$PWD exec timeout 20 setpriv --reuid 1234 --regid 1234 --clear-groups \
			--inh-caps="-all,$caps" --ambient-caps="-all,$caps" --bounding-set="-all,$caps" \
			"$rosenpass" exchange public-key alice.pk secret-key alice.sk listen 127.0.0.1:443 \
			peer public-key bob.pk outfile o)
	}
	as_service +net_admin >out 2>err
	check "port 443 without the right: status" [ $? -eq 1 ]
	check "port 443 without the right: one line that names it" [ "$(grep -c '^rosenpass: error: listen "127.0.0.1:443": Permission denied.*CAP_NET_BIND_SERVICE' err)" -eq 1 ]
	check "port 443 without the right: what to do" grep -q 'AmbientCapabilities' err
	for unit in "$root"/packaging/systemd/*.service; do
		# One that starts another unit is no daemon.
		grep -qx Type=notify "$unit" || continue
		for setting in AmbientCapabilities CapabilityBoundingSet; do
			check "${unit##*/}: $setting" grep -qE "^$setting=.*\bCAP_NET_BIND_SERVICE\b" "$unit"
		done
	done
	if ! ss -Hlun 'sport = :443' 2>/dev/null | grep -q .; then
		as_service +net_admin,+net_bind_service >out 2>err &
		pids+=($!)
		check "port 443 with the right: it works" within 10 grep -q 'exchanging keys with 1 peer' err
		pkill -TERM -P "${pids[-1]}"
		wait "${pids[-1]}"
	fi
else
	skip "ports below 1024: needs root and setpriv"
fi

finish
