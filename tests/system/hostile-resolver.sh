#!/usr/bin/env bash
# usage: hostile-resolver.sh ROSENPASS ASK LISTEN_UDP NSS_HOSTILE
# A resolver process of a running daemon that has been taken over: a module of the name service does what an attacker
# would. The daemon runs as an ordinary user, as the packaged unit has it, then as root. Beside that the control socket
# serves whom it should: users and hooks. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" ask
ask=$program
listen_udp=$(absolute "$3")
module=$(absolute "$4")
nobody=65534

skip_all()
{
	skip "a hostile resolver: $*"
	exit 77
}
is_root || skip_all "needs root, to put a module into the name service"
[ -f /etc/nsswitch.conf ] || skip_all "this C library has no modules"
unshare -m true 2>/dev/null || skip_all "this system gives no mount namespaces"
setpriv --reuid $nobody true 2>/dev/null || skip_all "setpriv is missing, or there is no other user"

mkdir "$work/modules" "$work/out" && chmod 777 "$work/out" "$work/run"
cp "$module" "$work/modules/libnss_hostile.so.2"
echo 'hosts: hostile files' >"$work/nsswitch.conf"
free_port
report_port=$port

# A hook that asks its daemon.
cat >"$work/hook" <<END
#!/bin/sh
cat >/dev/null
"$rosenpass" status "\$ROSENPASS_DAEMON" >"$work/out/hook.\$ROSENPASS_DAEMON" 2>&1
# And from a process that it leaves behind.
(sleep 1; "$rosenpass" status "\$ROSENPASS_DAEMON" >"$work/out/late.\$ROSENPASS_DAEMON" 2>&1) &
END
chmod 755 "$work/hook"

# hostile NAME USER: a daemon of that name and user whose names are resolved by the module.
hostile()
{
	local name=$1 user=$2

	chown "$user" "$keys/alice.sk"
	free_port
	cat >"$name.toml" <<END
public_key = "$keys/alice.pk"
secret_key = "$keys/alice.sk"
listen = ["127.0.0.1:$port"]
verbosity = "Verbose"

[[peers]]
name = "bob"
public_key = "$keys/bob.pk"
exchange_command = ["$work/hook"]

[[peers]]
name = "carol"
public_key = "$keys/carol.pk"
key_out = "$work/out/carol.$name"
END
	# shellcheck disable=SC2016
	run "$name" unshare -m sh -c 'mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"' - "$work/nsswitch.conf" \
		setpriv --reuid "$user" --regid "$user" --clear-groups \
		env LD_LIBRARY_PATH="$work/modules" HOSTILE_PORT="$report_port" HOSTILE_SECRET="$keys/alice.sk" \
		HOSTILE_CONTROL="$RUNTIME_DIRECTORY/$name.sock" \
		HOSTILE_REQUEST='{"command":"peer-remove","peer":"carol"}' \
		"$rosenpass" exchange-config "$name.toml"
	daemon=$pid
	daemon_port=$port
	within 10 answers "$name"
}

# resolves DAEMON NAME: an address of carol's that has to be resolved, by a configuration that is read again.
resolves()
{
	sed -i "/^endpoint/d; /^name = \"carol\"/a endpoint = \"$2:1\"" "$1.toml"
	"$rosenpass" reload "$1" >reload.out 2>&1
}

heard()
{
	grep -qxF -- "$1" listen.out
}

has_carol()
{
	[ "$(value "$1" 'peers.#')" -eq 2 ] && value "$1" peers.carol.name
}

in_folder life
has_landlock=yes
for round in user root; do
	user=0
	[ $round = root ] || user=$nobody
	run listen "$listen_udp" "$report_port"
	listener=$pid
	check "$round: the daemon runs" hostile "$round" "$user"
	grep -q 'has no Landlock' "$round.err" && has_landlock=no

	# What it tries by itself.
	check "$round: carol gets a name" resolves "$round" attack.example
	grep -q 'has no Landlock' "$round.err" && has_landlock=no
	check "$round: the resolver process is ours" within 10 heard 'attack: over'
	for deed in 'write the secret key' chmod fchmodat2 utimensat 'limit the daemon' 'signal the daemon' 'have the log' fork; do
		check "$round: $deed" heard "$deed: refused"
	done
	if [ $has_landlock = yes ]; then
		check "$round: read the secret key" heard 'read the secret key: refused'
	else
		skip "$round: read the secret key: this kernel has no Landlock"
	fi
	check "$round: the secret key keeps its mode" has_mode 600 "$keys/alice.sk"

	# What it asks the daemon for.
	check "$round: another name" resolves "$round" ask.example
	check "$round: the control socket refuses it" within 10 heard 'asked: refused'
	# The daemon finds eight requests and the end of the process at the same time.
	check "$round: another name that hurries" resolves "$round" rush.example
	check "$round: it begins" within 10 heard 'rush: begins in a second'
	kill -STOP "$daemon"
	check "$round: it asked eight times" within 10 heard 'rush: over'
	sleep 0.5
	kill -CONT "$daemon"
	check "$round: its end is seen" within 10 grep -q 'endpoint "rush.example:1": .*ended without an answer' "$round.err"
	sleep 1
	check "$round: nobody was removed" has_carol "$round"
	if [ $round = user ]; then
		check "$round: it is said" grep -q 'control socket: refused a connection from our own resolver process' "$round.err"
	fi

	# Whom the control socket serves.
	check "$round: root may ask" "$rosenpass" status "$round"
	if [ $round = user ]; then
		check "$round: its user may ask" setpriv --reuid $nobody --regid $nobody --clear-groups "$ask" \
			"$RUNTIME_DIRECTORY/$round.sock" '{"command": "status"}' status.name
	fi
	start "bob-$round" bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$daemon_port" outfile "bob.$round"
	client=$pid
	check "$round: bob has a key" within "$wait_seconds" is_base64_key "bob.$round"
	check "$round: a hook may ask" within 10 grep -q 'carol' "$work/out/hook.$round"
	check "$round: what a hook leaves behind may ask" within 10 grep -q 'carol' "$work/out/late.$round"
	check "$round: bob's daemon ends" ends TERM "$client"

	# One that blocks every signal is gone when its time is over.
	if [ $round = user ]; then
		check "$round: a name that takes its time" resolves "$round" stay.example
		check "$round: it stays" within 10 heard 'stay: here'
		check "$round: it is ended by the kernel" within 50 \
			grep -q 'endpoint "stay.example:1": the resolver process ended without an answer' "$round.err"
	fi
	check "$round: the daemon ends" ends TERM "$daemon"
	kill "$listener" && wait "$listener" 2>/dev/null
	mv listen.out "listen.$round"
done

finish
