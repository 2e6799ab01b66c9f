#!/usr/bin/env bash
# usage: processes.sh ROSENPASS ASK FIND_BYTES
# What the two processes of a daemon look like from outside: what they may do, what they have open, and
# where keys are not. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
ask=$(absolute "$2")
find_bytes=$(absolute "$3")

in_folder life
head -c 32 /dev/urandom >psk.raw
base64 -w 0 <psk.raw >psk
chmod 600 psk
free_port
cat >server.toml <<END
public_key = "$keys/alice.pk"
secret_key = "$keys/alice.sk"
listen = ["127.0.0.1:$port", "0.0.0.0:0"]
threads = 2

[[peers]]
name = "bob"
public_key = "$keys/bob.pk"
pre_shared_key = "psk"
key_out = "bob"

[[peers]]
name = "carol"
public_key = "$keys/carol.pk"
key_out = "folder/carol"
END
run server "$rosenpass" --log-level trace exchange-config server.toml
server=$pid
start client bob peer public-key "$keys/alice.pk" preshared-key psk endpoint "127.0.0.1:$port" outfile bob.key
client=$pid
start other carol peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile carol.key
other=$pid
check "bob and the server agree" agree bob bob.key
check "carol has a key" within "$wait_seconds" is_base64_key carol.key
check "the server has it too, and no folder for it" within 10 shows server peers.carol.outputs.0.state failing
engine=$(engine_of "$server")
check "there is one child, the engine process" [ "$(children "$server")" = "$engine" ]

# --- what it may do --------------------------------------------------------------------------------------------------

# field PID NAME: of /proc/PID/status, blanks are single.
field()
{
	awk -v name="$2:" '$1 == name { $1 = ""; print substr($0, 2) }' "/proc/$1/status"
}

is_field()
{
	local found

	found=$(field "$1" "$2")
	[[ $found =~ ^($3)$ ]] || { echo "$2 is $found"; false; }
}

for set in CapInh CapPrm CapEff CapAmb; do
	check "engine process: $set is empty" is_field "$engine" "$set" '0+'
done
check "engine process: no new privileges" is_field "$engine" NoNewPrivs 1
check "engine process: a seccomp filter" is_field "$engine" Seccomp 2
check "engine process: one thread and those of the setting" is_field "$engine" Threads 3

# rights PID: whatever a thread has for itself.
rights()
{
	grep -E '^(Cap|Uid|Gid|Groups|NoNewPrivs|Seccomp)' "/proc/$1/status"
}

for thread in "/proc/$engine/task"/*; do
	check "engine process: its thread ${thread##*/} may do no more" \
		[ "$(rights "${thread##*/}")" = "$(rights "$engine")" ]
done
if is_root; then
	check "engine process: CapBnd is empty" is_field "$engine" CapBnd '0+'
	check "engine process: no user is root" is_field "$engine" Uid '([1-9][0-9]*) \2 \2 \2'
	check "engine process: no group is root's" is_field "$engine" Gid '([1-9][0-9]*) \2 \2 \2'
	check "engine process: no other groups" is_field "$engine" Groups ''
	if ! getent passwd rosenpass >/dev/null; then
		check "engine process of another daemon: another user" \
			[ "$(field "$engine" Uid)" != "$(field "$(engine_of "$client")" Uid)" ]
	fi
else
	check "engine process: the user stays" is_field "$engine" Uid "$(id -u) $(id -u) $(id -u) $(id -u)"
fi
for process in "$server" "$engine"; do
	check "no core dump of process $process, and nobody can allow it" \
		grep -qE '^Max core file size +0 +0 ' "/proc/$process/limits"
	check "process $process is not dumpable: its memory belongs to root" [ "$(stat -c %u "/proc/$process/mem")" -eq 0 ]
done

# sandbox PART: status says that it is on.
sandbox()
{
	local i

	for ((i = 0; i < $(value server 'sandbox.#'); i++)); do
		[ "$(value server "sandbox.$i.part" "sandbox.$i.on" | tr '\n' ' ')" != "$1 true " ] || return 0
	done
	value server sandbox
	return 1
}
for part in seccomp 'no capabilities' 'no new privileges' 'not dumpable'; do
	check "status: $part" sandbox "$part"
done
is_root && check "status: not root" sandbox 'not root'

# --- what it has open ------------------------------------------------------------------------------------------------

# opens PID PATTERN...: its descriptors are these and no others; what is in the way is shown.
opens()
{
	local pid=$1 link name pattern

	shift
	for link in "/proc/$pid/fd"/*; do
		name=$(readlink "$link") || continue
		for pattern in "$@"; do
			[[ ! $name =~ ^($pattern)$ ]] || continue 2
		done
		echo "${link##*/} is $name"
		return 1
	done
}

if is_root; then
	check "engine process: nothing is open but sockets, a timer, /dev/null and standard error" \
		opens "$engine" '/dev/null' 'pipe:\[[0-9]+\]' 'socket:\[[0-9]+\]' 'anon_inode:\[timerfd\]'
	check "engine process: two UDP sockets, a channel, a timer, three standard streams" \
		[ "$(descriptors "$engine")" -eq 7 ]
	check "engine process: standard output leads nowhere" [ "$(readlink "/proc/$engine/fd/1")" = /dev/null ]
	# What it was started with stays open, as others may have use for it.
	check "monitor process: no file is open that has a key" \
		bash -c '! readlink "/proc/$1/fd"/* | grep -E "\.(sk|pk)|psk|server\.toml"' - "$server"
else
	skip "what is open: needs root"
fi

# --- where keys are not ----------------------------------------------------------------------------------------------

mkdir secrets
base64 -d <bob >secrets/bob
cp bob secrets/bob.text
cp psk.raw secrets/psk
cp psk secrets/psk.text
for name in bob psk; do
	od -An -v -tx1 "secrets/$name" | tr -d ' \n' >"secrets/$name.hex"
done
base64 -w 0 <"$keys/alice.sk" | tr -d '\n' | cut -c 4001-4080 | tr -d '\n' >secrets/alice.text
base64 -d <carol.key >secrets/carol

# silent TEXT-FILE...: none of these stands in what the process was started with, or in what it says.
silent()
{
	local file process

	for file in "$@"; do
		for process in "$server" "$engine"; do
			# Who may not look finds nothing.
			is_root || break
			! tr '\0' '\n' <"/proc/$process/environ" | grep -qF -f "$file" || return 1
			! tr '\0' '\n' <"/proc/$process/cmdline" | grep -qF -f "$file" || return 1
		done
		! cat server.err server.out client.err client.out | grep -qF -f "$file" || return 1
	done
}

echo server.toml >secrets/argument
check "a word of the command line would be found" not silent secrets/argument
check "no key in arguments, environment, or the log at its most talkative" \
	silent secrets/bob.text secrets/bob.hex secrets/psk.text secrets/psk.hex secrets/alice.text

# lacks PID FILE [OFFSET LENGTH]: these bytes are nowhere in its memory.
lacks()
{
	"$find_bytes" "$1" "$2" "${3:-0}" "${4:-$(stat -c %s "$2")}"
}

has()
{
	"$find_bytes" "$1" "$2" "${3:-0}" "${4:-$(stat -c %s "$2")}" >/dev/null
	[ $? -eq 1 ]
}

if is_root && [ -r "/proc/$server/mem" ] && lacks "$server" secrets/psk.hex >/dev/null; then
	run holder "$find_bytes" --hold "$keys/alice.sk"
	holder=$pid
	within 10 grep -q holding holder.out
	check "a secret key in memory would be found" has "$holder" "$keys/alice.sk" 6784 64
	{ kill "$holder" && wait "$holder"; } 2>/dev/null
	for place in 0 6784 13000; do
		check "monitor process: the secret key is not in its memory ($place)" \
			lacks "$server" "$keys/alice.sk" "$place" 64
	done
	check "monitor process: a key that is where it belongs is not in its memory" lacks "$server" secrets/bob
	check "monitor process: nor in base64" lacks "$server" secrets/bob.text
	check "monitor process: the preshared key is not in its memory" lacks "$server" secrets/psk
	check "monitor process: nor in base64" lacks "$server" secrets/psk.text
	check "monitor process: a key that could not be written yet is kept" has "$server" secrets/carol
	mkdir folder
	check "there is a folder: the key is written" within "$wait_seconds" same_key folder/carol carol.key
	check "then it is not kept any more" lacks "$server" secrets/carol
	check "nor in base64" lacks "$server" carol.key
	check "monitor process: a public key is in its memory" has "$server" "$keys/bob.pk" 1000 64
	check "engine process: no key in base64 is in its memory" lacks "$engine" secrets/bob.text
	check "engine process: nor the preshared key" lacks "$engine" secrets/psk.text
	if value server sandbox | grep -q 'memfd_secret'; then
		for place in 0 6784 13000; do
			check "engine process: not even root finds the secret key ($place)" \
				lacks "$engine" "$keys/alice.sk" "$place" 64
		done
		check "engine process: not even root finds the preshared key" lacks "$engine" secrets/psk
		check "engine process: not even root finds a key" lacks "$engine" secrets/bob
	else
		skip "the engine process's secrets: this kernel has no memfd_secret, root can read them"
	fi
else
	skip "the memory of the processes: needs root, and to be allowed to read it"
fi

check "all end with 0" ends TERM "$server" "$client" "$other"
check "the log has lines of all levels" grep -q 'debug: ' server.err

finish
