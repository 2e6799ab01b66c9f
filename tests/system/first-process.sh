#!/usr/bin/env bash
# usage: first-process.sh ROSENPASS
# As process 1 of a container the program reaps what others leave behind and passes signals on. A file that may not become
# larger is an error of the write, and no silent end, of a command or of a daemon. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

rosenpass=$(absolute "$1")

limited()
(
	ulimit -f 1
	timeout 10 "$rosenpass" exchange public-key "$keys/alice.pk" secret-key "$keys/alice.sk" peer public-key "$keys/bob.pk" \
		outfile limited 2>&1
	echo "status $?"
)

says_why()
{
	local out

	out=$(limited)
	grep -q 'cannot read public-key file' <<<"$out" && grep -q 'status 1$' <<<"$out" || { echo "$out"; false; }
}
check "a limit for files is told" says_why

# A key that does not fit is told, and the daemon goes on; when there is room for it, it is written. What the daemon says goes
# into a pipe, for which the limit does not count.
if command -v prlimit >/dev/null; then
	free_port
	mkfifo full.pipe
	cat full.pipe >full.log &
	pids+=("$!")
	"$rosenpass" exchange --name full public-key "$keys/alice.pk" secret-key "$keys/alice.sk" listen "127.0.0.1:$port" \
		peer public-key "$keys/bob.pk" outfile full.key >full.pipe 2>&1 </dev/null &
	full=$!
	pids+=("$full")
	check "a full outfile: the daemon starts" within "$wait_seconds" grep -q 'exchanging keys' full.log
	check "a full outfile: 8 bytes are allowed" prlimit --pid "$full" --fsize=8:unlimited
	start client bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile client.key
	client=$pid
	check "a full outfile: it is told" within "$wait_seconds" grep -q 'error: .*outfile.*full.key.*: File too large; trying again' full.log
	check "a full outfile: no part of a key is there" not test -e full.key
	check "a full outfile: the daemon goes on" not gone "$full"
	check "a full outfile: there is room again" prlimit --pid "$full" --fsize=unlimited
	check "a full outfile: the key is written" within "$wait_seconds" cmp -s full.key client.key
	check "a full outfile: the daemon ends with 0" ends TERM "$full"
	check "a full outfile: the client ends with 0" ends TERM "$client"
else
	skip "a full outfile: this system has no prlimit"
fi

if ! unshare --pid --fork --mount-proc true 2>/dev/null; then
	skip "process 1: this system gives no process namespaces"
	finish
	exit
fi

# In a namespace of its own: a daemon, a hook that leaves processes behind, and a look at what is left of them.
cat >hook <<END
#!/bin/sh
cat >/dev/null
for i in 1 2 3; do
	sh -c 'sleep 0.2 &'
done
END
chmod 755 hook
free_port
alice_port=$port
cat >first.toml <<END
public_key = "$keys/alice.pk"
secret_key = "$keys/alice.sk"
listen = ["127.0.0.1:$alice_port"]
verbosity = "Verbose"

[[peers]]
public_key = "$keys/bob.pk"
exchange_command = ["$work/hook"]
END
run first unshare --pid --fork --mount-proc "$rosenpass" exchange-config first.toml
first=$pid
start bob bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$alice_port" outfile bob.key
bob=$pid
check "a daemon that is process 1 exchanges keys" within "$wait_seconds" test -s bob.key
sleep 2

# zombies PID: processes of that namespace that nobody has reaped.
zombies()
{
	local process line

	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/ns/pid" 2>/dev/null)" = "$1" ] || [ "$(cat "$process/status" 2>/dev/null |
			awk '/^NSpid:/ { print NF }')" = 3 ] || continue
		line=$(cat "$process/stat" 2>/dev/null) || continue
		line=${line##*) }
		[ "${line%% *}" != Z ] || echo "$process"
	done
}
init=$(children "$first" | head -n 1)
none_left()
{
	local left

	left=$(zombies "$(readlink "/proc/$init/ns/pid")")
	[ -z "$left" ] || { echo "$left"; false; }
}
check "no zombie is left" none_left
kill -TERM "$init"
check "SIGTERM is passed on" exits 0 "$first"
check "bob ends" ends TERM "$bob"

finish
