#!/usr/bin/env bash
# usage: hours.sh ROSENPASS_FAST ASK [HOURS [SCALE]]
# Two daemons that renew their keys for HOURS (3), in which time passes SCALE (60) times as fast: 3 minutes. The last
# line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
ask=$(absolute "$2")

# A key is renewed after 120 seconds and too old after 180: what lies between is a second here, which a busy machine may
# take away from us in one piece. It helps to have precedence over others, where that is allowed.
renice -n -10 $$ >/dev/null 2>&1
hours=${3:-3}
scale=${4:-60}

export ROSENPASS_TEST_CLOCK_SCALE=$scale
free_port
port_a=$port
free_port
start a alice listen "127.0.0.1:$port_a" \
	peer public-key "$keys/bob.pk" endpoint "127.0.0.1:$port" outfile a.key
a=$pid
start b bob listen "127.0.0.1:$port" \
	peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port_a" outfile b.key
b=$pid
check "they agree" agree a.key b.key

milliseconds()
{
	local seconds=${EPOCHREALTIME%.*} fraction=${EPOCHREALTIME#*.}

	milliseconds=$((seconds * 1000 + 10#$fraction / 1000))
}

# Sets $key when both files hold the same, which they do but for a moment: they may take 100 seconds of their time.
sample()
{
	local other end

	milliseconds
	end=$((milliseconds + 100 * 1000 / scale))
	while :; do
		# There is no end of a line.
		IFS= read -r key <a.key
		IFS= read -r other <b.key
		[ "$key" != "$other" ] || [ -z "$key" ] || return 0
		milliseconds
		[ "$milliseconds" -lt "$end" ] || return 1
		sleep 0.005
	done
}

# figures: what must not grow, of both sides.
figures()
{
	local process

	for process in "$a" "$b"; do
		echo "$(descriptors "$process")" "$(descriptors "$(engine_of "$process")")"
	done
}
memory()
{
	local process

	for process in "$a" "$b"; do
		echo "$(resident "$process")" "$(resident "$(engine_of "$process")")"
	done | tr '\n' ' '
}

# The first hour is there to come to rest.
milliseconds
begun=$milliseconds
ends=$((begun + hours * 3600 * 1000 / scale))
rests=$((begun + 3600 * 1000 / scale))
samples=0
disagreed=0
same=0
last=
first_memory=
first_figures=
while [ "$milliseconds" -lt "$ends" ]; do
	sleep 0.75
	if sample; then
		[ "$key" != "$last" ] || same=$((same + 1))
		last=$key
	else
		disagreed=$((disagreed + 1))
	fi
	samples=$((samples + 1))
	milliseconds
	if [ -z "$first_figures" ] && [ "$milliseconds" -ge "$rests" ]; then
		# What it takes to answer is not given back, and counts from the beginning.
		value a name >/dev/null && value b name >/dev/null
		first_figures=$(figures 2>/dev/null)
		first_memory=$(memory)
	fi
done
passed_ms=$((milliseconds - begun))
# Of their time, in seconds.
lasted=$((passed_ms * scale / 1000))

# within_range NUMBER FROM TO
within_range()
{
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

exchanges=$(value a peers.0.exchanges)
difference=$(($(value b peers.0.exchanges) - exchanges))
check "both sides count exchanges alike ($difference)" within_range "$difference" -1 1
echo "      $((lasted / 3600)) hours in $((passed_ms / 1000)) s: $exchanges exchanges, $samples samples"
check "30 exchanges an hour, more or less 2" within_range $((exchanges * 3600)) $((lasted * 28)) $((lasted * 32))
check "$samples times they held the same key, give or take a moment" [ "$disagreed" -eq 0 ]
# As long as there is more than one renewal between two samples.
if [ "$scale" -ge 240 ]; then
	check "at most a few of these times it was the key of the time before ($same)" [ "$same" -le $((samples / 20)) ]
fi
check "no key became stale" not grep -qh stale a.out b.out a.err b.err
for side in a b; do
	check "$side announced each key" \
		within_range "$(grep -c ' exchanged$' "$side.out")" $((exchanges - 1)) $((exchanges + 2))
done
check "no handshake was given up" [ "$(value a peers.0.timeouts) $(value b peers.0.timeouts)" = "0 0" ]
# What they say of silence is counted apart: where the machine stands still for a sixth of a second, it is ten of theirs.
silent=$(cat a.err b.err | grep -cE ': no answer for [0-9]+ seconds? from ')
check "both are quiet: no line of the log after the first ones" \
	[ "$(cat a.err b.err | grep -cvE ': (no answer for|answers (again|now) after) [0-9]+ seconds?')" -le 8 ]
check "every silence ended ($silent)" [ "$(cat a.err b.err | grep -cE ': answers (again|now) after ')" -eq "$silent" ]
if is_root; then
	check "as many descriptors as after the first hour" [ "$(figures)" = "$first_figures" ]
else
	skip "descriptors: needs root"
fi
last_memory=$(memory)
# grown BEFORE AFTER: none of the numbers by more than 32 KiB.
grown()
{
	local before after i

	read -r -a before <<<"$1"
	read -r -a after <<<"$2"
	for i in "${!before[@]}"; do
		[ "${after[i]}" -le $((before[i] + 32)) ] || return 0
	done
	[ "${#after[@]}" -ne 4 ]
}
check "as much memory as after the first hour (KiB): $first_memory, then $last_memory" not grown "$first_memory" "$last_memory"
check "both end with 0" ends TERM "$a" "$b"

finish
