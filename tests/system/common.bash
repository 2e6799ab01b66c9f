# What the scripts of this folder have in common; they source it after scripts/start.bash. A script sets $work aside for itself below
# /tmp, starts daemons that are ended with it, and counts cases; its last line is "N passed, N failed".
# shellcheck shell=bash
set -uo pipefail
export LC_ALL=C
unset RUST_LOG ROSENPASS_TEST_CLOCK_SCALE
umask 022
# Programs may be given by relative paths.
started_in=$PWD

here=$root/tests/system
vectors=$root/tests/data/vectors
wait_seconds=30
passed=0
failed=0
pids=()
work=$(mktemp -d "${TMPDIR:-/tmp}/rosenpass-test.XXXXXX") || exit 1
# Where every user can start what is in it.
chmod 755 "$work"
mkdir "$work/keys" "$work/run" && cp "$vectors"/keys/* "$work/keys" &&
	chmod 644 "$work"/keys/*.pk && chmod 600 "$work"/keys/*.sk || exit 1
keys=$work/keys
# Control sockets of these daemons are nobody else's.
export RUNTIME_DIRECTORY=$work/run
# They do not remember where their peers were in another case.
export STATE_DIRECTORY=

# Scripts have their own last things to do.
before_clean_up()
{
	:
}

clean_up()
{
	local pid

	before_clean_up
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	cd / && rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cd "$work" || exit 1

# absolute PATH: as it was meant when the script was started.
absolute()
{
	case $1 in
	/*) echo "$1" ;;
	*) echo "$started_in/$1" ;;
	esac
}

# program PATH NAME: a copy of it that every user can start; its path in $program.
program()
{
	program=$work/$2
	cp "$(absolute "$1")" "$program" || exit 1
}

# check WORDS COMMAND...: one case; what the command prints is shown when it fails.
check()
{
	local words=$1

	shift
	if "$@" >"$work/said" 2>&1; then
		echo "PASS  $words"
		passed=$((passed + 1))
	else
		echo "FAIL  $words: $*"
		tail -n 20 "$work/said" ./*.err 2>/dev/null
		failed=$((failed + 1))
	fi
}

skip()
{
	echo "SKIP  $*"
}

# The last line, and the exit status of the script.
finish()
{
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

not()
{
	! "$@"
}

# A UDP port that nobody holds right now and that was not given out before. Scripts that start at the same time have
# different process ids, hence do not give out each other's.
next_port=$((20000 + $$ % 100 * 80))
free_port()
{
	local table hex

	table=$(cat /proc/net/udp /proc/net/udp6 2>/dev/null)
	while :; do
		next_port=$((next_port + 1))
		printf -v hex ':%04X ' "$next_port"
		[[ $table == *"$hex"* ]] || break
	done
	port=$next_port
}

# run NAME COMMAND...: in the background with its output in NAME.out and NAME.err; its process id in $pid.
run()
{
	local name=$1

	shift
	# At once, so that nobody takes what an earlier one of that name wrote for what this one writes.
	: >"$name.out" 2>"$name.err"
	"$@" >"$name.out" 2>"$name.err" </dev/null &
	pid=$!
	pids+=("$pid")
}

# start NAME OWNER WORD...: a daemon of that name with the key pair of OWNER.
start()
{
	local name=$1 owner=$2

	shift 2
	run "$name" "$rosenpass" exchange --name "$name" public-key "$keys/$owner.pk" secret-key "$keys/$owner.sk" "$@"
}

# within SECONDS COMMAND...: whether it succeeds in that time.
within()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			# What it says the last time is of interest.
			"$@"
			return
		fi
		sleep 0.1
	done
}

same_key()
{
	[ -s "$1" ] && cmp -s "$1" "$2"
}

# agree FILE FILE: both come to hold the same key.
agree()
{
	within "$wait_seconds" same_key "$1" "$2"
}

# new_key FILE FILE OLD: both have the same key, and it is not that one.
new_key()
{
	same_key "$1" "$2" && ! cmp -s "$1" "$3"
}

is_base64_key()
{
	[ "$(wc -l <"$1")" -eq 0 ] && [[ $(cat "$1") =~ ^[A-Za-z0-9+/]{43}=$ ]]
}

# A process that has ended but was not waited for is gone too.
gone()
{
	local line

	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	line=${line##*) }
	[ "${line%% *}" = Z ]
}

# exits STATUS PID: it ends within ten seconds, with that status.
exits()
{
	local status

	if ! within 10 gone "$2"; then
		echo "still there after 10 seconds"
		return 1
	fi
	wait "$2"
	status=$?
	[ "$status" -eq "$1" ] || { echo "status $status"; false; }
}

# ends SIGNAL PID...: each ends, with status 0.
ends()
{
	local signal=$1 pid

	shift
	for pid in "$@"; do
		kill -s "$signal" "$pid" && exits 0 "$pid" || return 1
	done
}

in_folder()
{
	cd "$work" && mkdir "$1" && cd "$1" || exit 1
}

has_mode()
{
	[ "$(stat -c %a "$2")" = "$1" ] || { stat "$2"; false; }
}

# says FILE LINE...: the file is these lines, in any order, and nothing else.
says()
{
	local file=$1

	shift
	diff <(sort "$file") <(printf '%s\n' "$@" | sort)
}

# counts NUMBER PATTERN FILE: that many lines match.
counts()
{
	local count

	count=$(grep -cE -- "$2" "$3")
	[ "$count" -eq "$1" ] || { echo "$count lines"; false; }
}

# children PID: of a process, one a line.
children()
{
	local stat line words

	for stat in /proc/[0-9]*/stat; do
		{ read -r line <"$stat"; } 2>/dev/null || continue
		read -r -a words <<<"${line##*) }"
		[ "${words[1]}" != "$1" ] || { line=${stat#/proc/} && echo "${line%/stat}"; }
	done
}

# engine_now PID: the process id of a daemon's engine process. Returns 1 if it has none at this moment.
engine_now()
{
	local child name

	for child in $(children "$1"); do
		{ read -r name <"/proc/$child/comm"; } 2>/dev/null || continue
		[ "$name" != rosenpass-net ] || { echo "$child" && return; }
	done
	return 1
}

# engine_of PID: the same as soon as there is one. A daemon makes its interface, with first keys, before it starts one.
engine_of()
{
	within 10 engine_now "$1" >/dev/null && engine_now "$1"
}

# peer_id OWNER: the peer id in base64, of the first handshake in the vectors that OWNER began (BLAKE2b).
peer_id()
{
	local hex

	hex=$(awk -F '"' -v owner="$1" '
		$2 == "suite" { suite = $4 }
		$2 == "initiator" { initiator = $4 }
		$2 == "pidi" && initiator == owner && suite == "blake2b-188" { print $4; exit }' \
		"$vectors/handshake.json")
	# shellcheck disable=SC2059
	printf "$(printf '%s' "$hex" | sed 's/../\\x&/g')" | base64 -w 0
}

# request DAEMON JSON [PATH]...: over its control socket, with the program in $ask.
request()
{
	local daemon=$1

	shift
	"$ask" "$RUNTIME_DIRECTORY/$daemon.sock" "$@"
}

# value DAEMON PATH...: of its status.
value()
{
	local daemon=$1

	shift
	request "$daemon" '{"command": "status"}' "${@/#/status.}"
}

# shows DAEMON PATH PATTERN: what stands there in its status is just that (an extended regular expression).
shows()
{
	local found

	found=$(value "$1" "$2") || return 1
	[[ $found =~ ^($3)$ ]] || { echo "$1: $2 is $found"; false; }
}

answers()
{
	value "$1" name
}

# descriptors PID, resident PID: how many (only root may see that), and how many KiB.
descriptors()
{
	find "/proc/$1/fd" -type l 2>/dev/null | wc -l
}

resident()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"
}
