#!/usr/bin/env bash
# usage: wrong-input.sh ROSENPASS
# Each kind of wrong input: the exit status (2 for wrong usage, else 1), one line on standard error that names what is
# wrong, nothing on standard output, and not a file more, less or different. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
# Names that are none shall not keep us waiting where no name server answers.
export RES_OPTIONS='timeout:1 attempts:1'

program "$1" rosenpass
rosenpass=$program
in_folder folder

# Everything in the folder: names, kinds, modes, contents, and times of what is no folder.
state()
{
	find . ! -type d -printf '%p %y %m %T@ %l\n' -o -printf '%p %y %m\n' | sort
	find . -type f -exec sha256sum {} + 2>/dev/null | sort
}

# verdict WORDS STATUS PATTERN GOT: looks at what a run left behind.
verdict()
{
	local words=$1 status=$2 pattern=$3 got=$4 problem=

	[ "$got" -eq "$status" ] || problem="status $got, not $status"
	[ "$(wc -l <"$work/err")" -eq 1 ] || problem="$problem; not one line"
	grep -q '^rosenpass: error: ' "$work/err" || problem="$problem; not an error"
	grep -qE -- "$pattern" "$work/err" || problem="$problem; no \"$pattern\""
	[ ! -s "$work/out" ] || problem="$problem; standard output"
	[ "$(state)" = "$before" ] || problem="$problem; files changed"
	if [ -z "$problem" ]; then
		echo "PASS  $words"
		passed=$((passed + 1))
	else
		echo "FAIL  $words: ${problem#; }"
		cat "$work/out" "$work/err"
		failed=$((failed + 1))
	fi
}

# refused WORDS STATUS PATTERN WORD...: runs the program with these words.
refused()
{
	local words=$1 status=$2 pattern=$3

	shift 3
	before=$(state)
	timeout 20 "$rosenpass" "$@" >"$work/out" 2>"$work/err" </dev/null
	verdict "$words" "$status" "$pattern" "$?"
}

# of_own, of_peer WORDS PATTERN WORD...: exchange, complete but for the words of that part.
of_own()
{
	local words=$1 pattern=$2

	shift 2
	refused "$words" 1 "$pattern" exchange "$@" peer public-key b.pk outfile out
}

of_peer()
{
	local words=$1 pattern=$2

	shift 2
	refused "$words" 1 "$pattern" exchange secret-key a.sk public-key a.pk "$@"
}

cp "$keys/alice.pk" a.pk
cp "$keys/alice.sk" a.sk
cp "$keys/bob.pk" b.pk
cp "$keys/bob.sk" b.sk
chmod 600 a.sk b.sk
: >empty
head -c 524159 a.pk >short.pk
{ cat a.pk; printf x; } >long.pk
head -c 13607 a.sk >short.sk
{ cat a.sk; printf x; } >long.sk
chmod 600 short.sk long.sk
head -c 32 /dev/zero | base64 >psk
mkdir directory
ln -s nowhere dangling
mkfifo fifo

# --- the program -----------------------------------------------------------------------------------------------------

timeout 20 "$rosenpass" >"$work/out" 2>"$work/err" </dev/null
check "no command: status 2" [ "$?" -eq 2 ]
check "no command: it is said first" [ "$(head -n 1 "$work/err")" = 'rosenpass: error: no command given' ]
check "no command: then the usage, on standard error too" \
	bash -c 'grep -q "^Usage: rosenpass " "$1/err" && [ ! -s "$1/out" ]' - "$work"
refused "an unknown command" 2 'exchnage' exchnage
refused "an unknown option" 2 '--frobnicate' --frobnicate gen-keys
refused "an unknown level" 2 'loud' --log-level loud gen-keys
refused "an option without its value" 2 '--log-level' --log-level
refused "two levels" 2 'only one' -v -q gen-keys
refused "help for an unknown command" 2 'nothing' help nothing

# --- gen-keys --------------------------------------------------------------------------------------------------------

refused "gen-keys: nothing said" 2 '--public-key.*--secret-key' gen-keys
refused "gen-keys: no secret key" 2 '--secret-key' gen-keys --public-key=new.pk
refused "gen-keys: no public key" 2 '--public-key' gen-keys --secret-key=new.sk
refused "gen-keys: an option without its value" 2 '--secret-key' gen-keys --public-key new.pk --secret-key
refused "gen-keys: an unknown option" 2 '--pubic-key' gen-keys --pubic-key new.pk --secret-key new.sk
refused "gen-keys: a word too many" 2 'config.toml' gen-keys -p new.pk -s new.sk config.toml
exists='exists, refusing to overwrite it'
refused "gen-keys: the public key exists" 1 "public-key file \"a.pk\" $exists" gen-keys -p a.pk -s new.sk
refused "gen-keys: the secret key exists" 1 "secret-key file \"a.sk\" $exists" gen-keys -p new.pk -s a.sk
refused "gen-keys: both exist" 1 "public-key file \"a.pk\" $exists.*secret-key file \"a.sk\" $exists" \
	gen-keys -p a.pk -s a.sk
refused "gen-keys: a link that leads nowhere exists" 1 "secret-key file \"dangling\" $exists" \
	gen-keys -p new.pk -s dangling
refused "gen-keys: the same file twice" 1 'same' gen-keys -p new -s new
refused "gen-keys: a missing folder for the secret key" 1 'missing/new.sk.*No such' gen-keys -p new.pk -s missing/new.sk
refused "gen-keys: a missing folder for the public key" 1 'missing/new.pk.*No such' gen-keys -p missing/new.pk -s new.sk
refused "gen-keys: --force, and no folder for the public key" 1 'missing/new.pk.*No such' \
	gen-keys --force -p missing/new.pk -s a.sk
refused "gen-keys: a folder, with --force" 1 'directory' gen-keys --force -p new.pk -s directory

# --- exchange: words -------------------------------------------------------------------------------------------------

refused "exchange: nothing said" 2 'public-key' exchange
refused "exchange: an unknown option" 2 '--frobnicate' exchange --frobnicate x
refused "exchange: an option without its value" 2 '--name' exchange --name
refused "exchange: a name that is none" 2 '--name' exchange --name a/b public-key a.pk
of_own "no key at all" 'public-key file must be set'
of_own "no public key" 'public-key file must be set' secret-key a.sk
of_own "no secret key" 'secret-key file must be set' public-key a.pk
of_own "an unknown word" 'frobnicate' secret-key a.sk public-key a.pk frobnicate
of_own "a word of the other part" 'outfile' secret-key a.sk public-key a.pk outfile x
of_own "the public key twice" 'public-key was already set' public-key a.pk public-key a.pk secret-key a.sk
of_own "the secret key by both its names" 'was already set' secret-key a.sk private-key a.sk public-key a.pk
refused "listen without its value" 1 'listen' exchange secret-key a.sk public-key a.pk listen
of_peer "peer without anything" 'peer 1.*public-key' peer
of_peer "peer: no public key" 'peer 1.*public-key' peer outfile out
of_peer "peer: no outfile" 'peer 1.*outfile' peer public-key b.pk endpoint 127.0.0.1:9
of_peer "peer: an unknown word" 'peer 1.*frobnicate' peer public-key b.pk frobnicate
of_peer "peer: the endpoint twice" 'peer 1.*endpoint was already set' \
	peer public-key b.pk endpoint 127.0.0.1:9 endpoint 127.0.0.1:9 outfile out
of_peer "peer: the outfile twice" 'peer 1.*outfile was already set' peer public-key b.pk outfile out outfile out
of_peer "peer: the preshared key twice" 'peer 1.*preshared-key was already set' \
	peer public-key b.pk preshared-key psk preshared-key psk outfile out
for word in public-key endpoint preshared-key outfile wireguard; do
	of_peer "peer: $word without its value" "peer 1.*$word" peer "$word"
done
of_peer "peer: wireguard without its peer" 'peer 1.*wireguard' peer public-key b.pk wireguard wg0
wireguard_key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
of_peer "peer: wireguard: not a key" 'peer 1.*WireGuard' peer public-key b.pk wireguard wg0 "${wireguard_key%A=}"
of_peer "peer: wireguard: not an interface" 'peer 1.*wg/0' peer public-key b.pk wireguard wg/0 "$wireguard_key"
of_peer "peer: wireguard: a word that there is not" 'peer 1.*allowed-ip.*allowed-ips' \
	peer public-key b.pk wireguard wg0 "$wireguard_key" allowed-ip 10.0.0.0/8
of_peer "peer: wireguard: not a prefix" 'peer 1.*10.0.0.0/33' \
	peer public-key b.pk wireguard wg0 "$wireguard_key" allowed-ips 10.0.0.0/33
of_peer "the second peer is named" 'peer 2.*outfile' peer public-key b.pk outfile out peer public-key b.pk

# --- exchange: files -------------------------------------------------------------------------------------------------

for file in missing directory empty a.pk/below "$(printf 'n%.0s' {1..300})"; do
	of_own "public key: ${file:0:20}" "public-key.*${file:0:9}" public-key "$file" secret-key a.sk
	of_own "secret key: ${file:0:20}" "secret-key.*${file:0:9}" secret-key "$file" public-key a.pk
	of_peer "peer's key: ${file:0:20}" "public-key.*${file:0:9}" peer public-key "$file" outfile out
	of_peer "preshared key: ${file:0:20}" "preshared-key.*${file:0:9}" \
		peer public-key b.pk preshared-key "$file" outfile out
done
of_own "public key: short" 'short.pk.*524160' public-key short.pk secret-key a.sk
of_own "public key: long" 'long.pk.*524160' public-key long.pk secret-key a.sk
of_own "secret key: short" 'short.sk.*13608.*13568' secret-key short.sk public-key a.pk
of_own "secret key: long" 'long.sk.*13608.*13568' secret-key long.sk public-key a.pk
of_own "secret key: endless" '/dev/zero.*long' secret-key /dev/zero public-key a.pk
of_own "the two mixed up" 'a.sk' secret-key a.pk public-key a.sk
of_own "another pair's secret key" 'a.pk.*b.sk.*do not belong together' secret-key b.sk public-key a.pk
of_peer "peer's key: short" 'short.pk.*524160' peer public-key short.pk outfile out
of_peer "peer's key: long" 'long.pk.*524160' peer public-key long.pk outfile out
of_peer "peer's key: our own" 'peer 1.*a.pk' peer public-key a.pk outfile out
of_peer "peer's key: of two peers" 'peer 2.*b.pk' peer public-key b.pk outfile out peer public-key b.pk outfile out2

# psk WORDS TEXT: a preshared key of this text.
psk()
{
	printf "$2" >bad.key
	of_peer "preshared key: $1" 'preshared-key.*bad.key.*base64' peer public-key b.pk preshared-key bad.key outfile out
	rm bad.key
}
good=$(head -c 32 /dev/zero | base64)
psk "white space alone" '\n'
psk "31 bytes" "$(head -c 31 /dev/zero | base64)\n"
psk "33 bytes" "$(head -c 33 /dev/zero | base64)\n"
psk "without padding" "${good%=}\n"
psk "one character cut off" "${good:1}\n"
psk "bits beyond the end" "${good:0:42}B=\n"
psk "another alphabet" "_${good:1}\n"
psk "white space before" " $good\n"
psk "a line break inside" "${good:0:20}\n${good:20}\n"
psk "two keys" "$good\n$good\n"
psk "32 raw bytes" 'abcdefghijklmnopqrstuvwxyz012345'
psk "a long text" "$good$(printf ' %.0s' {1..2000})"

# As root every file can be read: then as somebody else, where the program can be reached at all.
if is_root; then
	as_other()
	{
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	}
	chown 65534 a.sk
else
	as_other()
	{
		"$@"
	}
fi
cp a.sk unreadable && chmod 000 unreadable
if as_other "$rosenpass" --version >/dev/null 2>&1; then
	for case in "secret-key unreadable public-key a.pk" "secret-key a.sk public-key unreadable"; do
		before=$(state)
		# shellcheck disable=SC2086
		as_other timeout 20 "$rosenpass" exchange $case peer public-key b.pk outfile out \
			>"$work/out" 2>"$work/err" </dev/null
		verdict "a file that may not be read: $case" 1 'unreadable.*Permission denied' "$?"
	done
	mkdir closed && chmod 555 closed
	before=$(state)
	as_other timeout 20 "$rosenpass" gen-keys -p closed/pk -s closed/sk >"$work/out" 2>"$work/err" </dev/null
	verdict "a folder that may not be written to" 1 'closed/sk.*Permission denied' "$?"
else
	echo "SKIP  files that may not be read: the program cannot be started as another user"
fi

# --- exchange: addresses ---------------------------------------------------------------------------------------------

for address in '' 127.0.0.1 127.0.0.1: 127.0.0.1:x 127.0.0.1:65536 127.0.0.1:-1 127.0.0.1:99999999999999999999 \
	::1:9999 '[::1]' '[::1:9999' '[]:9999' '[::1]9999' 300.1.1.1:9999 'a b:9999' \
	"$(printf 'n%.0s' {1..300}):9"; do
	of_own "listen \"${address:0:30}\"" 'listen "' secret-key a.sk public-key a.pk listen "$address"
	of_peer "endpoint \"${address:0:30}\"" 'peer 1.*endpoint "' \
		peer public-key b.pk endpoint "$address" outfile out
done
# What stands for every address is nothing to call.
for address in :9999 '*:9999' 9999 :; do
	of_peer "endpoint \"$address\"" 'peer 1.*endpoint "' peer public-key b.pk endpoint "$address" outfile out
done
of_peer "endpoint of port 0" 'peer 1.*endpoint "' peer public-key b.pk endpoint 127.0.0.1:0 outfile out

port=$((28000 + RANDOM % 4000))
mkdir ../holder
run ../holder/out "$rosenpass" exchange --name holder secret-key a.sk public-key a.pk listen "127.0.0.1:$port" \
	peer public-key b.pk outfile ../holder/key
within 10 grep -q info: ../holder/out.err
of_own "listen: a port that is taken" "listen \"127.0.0.1:$port\".*in use" \
	secret-key a.sk public-key a.pk listen "127.0.0.1:$port"

# --- exchange: outfiles that no key can be put into ------------------------------------------------------------------

for file in directory fifo /dev/null /dev/stdout; do
	of_peer "outfile $file" "peer 1.*outfile.*$file" peer public-key b.pk outfile "$file"
done

# --- what is not there yet is no error -------------------------------------------------------------------------------

# waits WORDS PATTERN WORD...: says what it waits for, goes on, ends with 0 when asked, and wrote nothing.
waits()
{
	local words=$1 pattern=$2 problem= status

	shift 2
	before=$(state)
	run ../waits "$rosenpass" exchange --name waits secret-key a.sk public-key a.pk "$@"
	within 20 grep -qE "warn: .*$pattern" ../waits.err || problem="no warning \"$pattern\""
	within 20 grep -q 'info: exchanging keys' ../waits.err || problem="$problem; does not start"
	{ kill -TERM "$pid" && wait "$pid"; } 2>/dev/null
	status=$?
	[ "$status" -eq 0 ] || problem="$problem; status $status"
	[ "$(grep -cE 'warn|error' ../waits.err)" -eq 1 ] || problem="$problem; not one warning"
	[ ! -s ../waits.out ] || problem="$problem; standard output"
	[ "$(state)" = "$before" ] || problem="$problem; files changed"
	check "$words${problem:+: ${problem#; }}" [ -z "$problem" ]
}

waits "endpoint: a name that is none" 'peer 1: endpoint "name.invalid:9": ' \
	peer public-key b.pk endpoint name.invalid:9 outfile out
waits "listen: a name that is none" 'listen "name.invalid:9": ' \
	listen name.invalid:9 peer public-key b.pk outfile out
waits "listen: an address that is not ours" 'listen "192.0.2.1:9": Cannot assign' \
	listen 192.0.2.1:9 peer public-key b.pk outfile out
waits "listen: an interface that is not there" 'listen "\[fe80::1%nosuch0\]:9": .*interface' \
	listen '[fe80::1%nosuch0]:9' peer public-key b.pk outfile out

finish
