#!/usr/bin/env bash
# usage: files.sh ROSENPASS ROSENPASS_FAST RP ASK
# Files that are written: none of them is one that is read, however it is spelled and whenever a link is made; and how
# they look. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" rosenpass_fast
fast=$program
program "$3" rp
rp=$program
ask=$(absolute "$4")

# Mounts of ours are seen by ourselves alone.
if is_root && [ -z "${IN_A_NAMESPACE-}" ] && unshare -m true 2>/dev/null; then
	cd / && rm -rf "$work"
	IN_A_NAMESPACE=1 exec unshare -m --propagation private "$(absolute "$0")" "$(absolute "$1")" "$(absolute "$2")" \
		"$(absolute "$3")" "$ask"
fi
has_mounts()
{
	[ -n "${IN_A_NAMESPACE-}" ]
}

# says_and_fails PATTERN COMMAND...: it ends with 1, within ten seconds, and a line of standard error matches.
says_and_fails()
{
	local pattern=$1 status

	shift
	timeout 10 "$@" >"$work/out" 2>"$work/err" 5>>own.sk
	status=$?
	cat "$work/err"
	[ "$status" -eq 1 ] && grep -qE -- "$pattern" "$work/err"
}

# A folder with keys of its own, that may be lost.
own_keys()
{
	cp "$keys/alice.pk" own.pk
	cp "$keys/alice.sk" own.sk
	cp "$keys/bob.pk" bob.pk
	cp "$keys/carol.pk" carol.pk
	head -c 32 /dev/urandom | base64 -w 0 >psk
	printf '#!/bin/sh\ncat >/dev/null\n' >hook
	chmod 600 own.sk psk
	chmod 755 hook
}

# configure KEY_OUT [LINE...]: f.toml, with bob, who writes to KEY_OUT, and carol.
configure()
{
	cat >f.toml <<-END_OF_FILE
		public_key = "own.pk"
		secret_key = "own.sk"
		listen = ["127.0.0.1:$port"]

		[[peers]]
		public_key = "bob.pk"
		key_out = "$1"

		[[peers]]
		name = "carol"
		public_key = "carol.pk"
		pre_shared_key = "psk"
		key_out = "carol.out"
		exchange_command = ["./hook", "carol.out"]
	END_OF_FILE
	shift
	[ "$#" -eq 0 ] || printf '%s\n' "$@" >>f.toml
}

checksum()
{
	sha256sum own.pk own.sk bob.pk carol.pk psk hook f.toml
}

# --- an output that is an input, in every spelling -------------------------------------------------------------------

in_folder spellings
own_keys
free_port
mkdir sub there
ln -s sub way
has_mounts && mount --bind . there

# spellings FILE: paths that mean it, after links were made.
spellings()
{
	ln -f "$1" sub/hard
	ln -sf "../$1" sub/soft
	ln -sf soft sub/chain
	printf '%s\n' "./$1" "$PWD/$1" "sub/../$1" "way/..//$1" sub/hard way/hard sub/soft sub/chain "/proc/self/cwd/$1"
	if has_mounts; then
		: >"mounted.$1"
		mount --bind "$1" "mounted.$1"
		echo "mounted.$1"
		echo "there/$1"
		echo "there/sub/soft"
	fi
	[ "$1" != own.sk ] || printf '%s\n' /dev/fd/5 /proc/self/fd/5
}

while read -r file what; do
	configure bob.out
	for path in $(spellings "$file"); do
		configure "$path"
		before=$(checksum)
		pattern="peer 1: key_out \"$path\" is the same file as $what|$what is the same file as peer 1's key_out \"$path\""
		check "$file as $path: validate says so" says_and_fails "$pattern" "$rosenpass" validate f.toml
		check "$file as $path: it does not start" says_and_fails "$pattern" "$rosenpass" exchange-config f.toml
		check "$file as $path: all is as before" [ "$(checksum)" = "$before" ]
	done
done <<-'END_OF_CASES'
	own.sk secret_key "own.sk"
	own.pk public_key "own.pk"
	bob.pk peer 1's public_key "bob.pk"
	carol.pk peer 2 \(carol\)(: |'s )public_key "carol.pk"
	psk peer 2 \(carol\)(: |'s )pre_shared_key "psk"
	hook peer 2 \(carol\)(: |'s )exchange_command "./hook"
	f.toml configuration "f.toml"
END_OF_CASES

# What nobody has written yet.
for path in ./carol.out sub/../carol.out "$PWD/carol.out" sub/link $(has_mounts && echo there/carol.out); do
	ln -sf ../carol.out sub/link
	configure "$path"
	pattern="peer 2 \(carol\): key_out \"carol.out\" is the same file as peer 1's key_out \"$path\"; use another file"
	check "two outputs, $path: validate says so" says_and_fails "$pattern" "$rosenpass" validate f.toml
	check "two outputs, $path: it does not start" says_and_fails "$pattern" "$rosenpass" exchange-config f.toml
done
configure "$RUNTIME_DIRECTORY/./f.sock"
check "the control socket: validate says so" says_and_fails 'same file as control socket' "$rosenpass" validate f.toml
check "the control socket: it does not start" says_and_fails 'same file as control socket' "$rosenpass" exchange-config f.toml
check "no output was made" [ ! -e carol.out ]
for place in "$work/run" /var/lib/rosenpass; do
	[ "$place" = "$work/run" ] || is_root || continue
	configure "$place/./f.peers"
	pattern="peer 1: key_out \"$place/./f.peers\" is the same file as state file \"$place/f.peers\"; use another file"
	state=(env "STATE_DIRECTORY=$place:/nowhere")
	[ "$place" = "$work/run" ] || state=(env -u STATE_DIRECTORY)
	check "the file of remembered peers in $place: validate says so" says_and_fails "$pattern" "${state[@]}" "$rosenpass" validate f.toml
	check "the file of remembered peers in $place: it does not start" says_and_fails "$pattern" \
		"${state[@]}" "$rosenpass" exchange-config f.toml
done
# What is said of a file that is something else: one line, and nothing about its mode.
complaints()
{
	configure "$1"
	[ "$("$rosenpass" validate f.toml 2>&1 | grep -c 'peer 1')" -eq 1 ]
}
for path in own.sk own.pk sub/soft f.toml psk /dev/null sub missing/out; do
	check "$path: it is said once" complaints "$path"
done
: >.rosenpass-AbCdEf
configure .rosenpass-AbCdEf
check "a name as of a temporary file: validate says so" says_and_fails 'peer 1: key_out ".rosenpass-AbCdEf" has a name as temporary' \
	"$rosenpass" validate f.toml
check "a name as of a temporary file: it does not start" says_and_fails 'has a name as temporary' "$rosenpass" exchange-config f.toml
rm .rosenpass-AbCdEf
configure bob.out
check "files of their own are good" "$rosenpass" validate f.toml

# On the command line settings have the names that they have there.
check "exchange: it does not start" says_and_fails 'peer 1: outfile "sub/soft" is the same file as secret-key "own.sk"' \
	bash -c 'ln -sf ../own.sk sub/soft; exec "$@"' - \
	"$rosenpass" exchange public-key own.pk secret-key own.sk peer public-key bob.pk outfile sub/soft
before=$(checksum)
for path in ./own.sk sub/hard bob.pk psk ./new.out; do
	ln -f own.sk sub/hard
	check "exchange --config-file $path: it does not start" says_and_fails \
		"exchange: config file \"$path\" is the same file as" "$rosenpass" exchange --config-file "$path" \
		public-key own.pk secret-key own.sk peer public-key bob.pk preshared-key psk outfile new.out
done
check "exchange --config-file: all is as before" [ "$(checksum)" = "$before" ]
check "exchange --config-file: an outfile may not be that file" says_and_fails \
	'same file as' "$rosenpass" exchange --config-file saved.toml \
	public-key own.pk secret-key own.sk peer public-key bob.pk outfile ./saved.toml
for mounted in mounted.* there; do
	! has_mounts || umount "$mounted"
done

# --- a daemon that runs ----------------------------------------------------------------------------------------------

in_folder running
own_keys
free_port
mkdir sub
configure bob.out
run server "$rosenpass" exchange-config f.toml
server=$pid
check "a daemon: it answers" within 10 answers f
for path in own.sk sub/../own.pk psk bob.pk f.toml ./hook; do
	before=$(checksum)
	configure "$path"
	cp f.toml saved.toml
	ln -sf ../own.sk sub/soft
	check "reload, $path: it is refused" not "$rosenpass" reload f
	check "reload, $path: it is said" grep -q "reload: .*is the same file as.*everything stays as it was" server.err
	configure bob.out
	check "reload, $path: all is as before" [ "$(checksum)" = "$before" ]
	: >server.err
done
check "reload: a good one" "$rosenpass" reload f
# Outputs that the file gives to others now, and in another spelling.
configure sub/../bob.out
check "reload: the same file in another spelling" "$rosenpass" reload f
configure bob.out

cp "$keys/carol.pk" dave.pk
printf 'x' | dd of=dave.pk conv=notrunc 2>/dev/null
for path in "$PWD/own.sk" "$PWD/sub/../psk" "$PWD/f.toml" "$PWD/bob.out" "$PWD/sub/../carol.out" "$PWD/sub/soft" \
	"$PWD/dave.pk" "$RUNTIME_DIRECTORY/f.sock"; do
	before=$(checksum)
	check "peer add, $path: it is refused" says_and_fails 'is the same file as|is a folder or device' \
		"$rosenpass" peer add --daemon f public-key dave.pk outfile "$path"
	check "peer add, $path: all is as before" [ "$(checksum)" = "$before" ]
done
check "peer add: a file of its own" "$rosenpass" peer add --daemon f public-key dave.pk outfile dave.out name dave
check "peer add: its name is taken" says_and_fails 'called dave already' \
	bash -c 'printf y | dd of=dave.pk conv=notrunc 2>/dev/null; exec "$@"' - \
	"$rosenpass" peer add --daemon f public-key dave.pk outfile other.out name dave
# A peer that was added is in the way of the file, too.
configure ./dave.out
check "reload: the outfile of a peer that was added" not "$rosenpass" reload f
check "reload: it is said" grep -q "peer dave: outfile \"$PWD/dave.out\" is the same file as peer 1's key_out \"./dave.out\"" server.err
check "peer remove" "$rosenpass" peer remove --daemon f dave
check "reload: it is free again" "$rosenpass" reload f
check "a daemon: it ends with 0" ends TERM "$server"

# Links that are made after the start: the key goes nowhere until they are gone.
in_folder later
own_keys
free_port
while read -r kind file; do
	configure bob.out
	run server "$rosenpass" exchange-config f.toml
	server=$pid
	check "a $kind link to $file: the daemon answers" within 10 answers f
	before=$(checksum)
	case $kind in
	symbolic) ln -s "$file" bob.out ;;
	hard) ln "$file" bob.out ;;
	esac
	start client bob peer public-key own.pk endpoint "127.0.0.1:$port" outfile client.key
	client=$pid
	check "a $kind link to $file: the client has its key" within "$wait_seconds" is_base64_key client.key
	check "a $kind link to $file: it is said" within 10 grep -q \
		'error: peer 1: cannot write outfile "bob.out": .*is the same file as' server.err
	check "a $kind link to $file: status tells" shows f peers.0.outputs.0.state failing
	check "a $kind link to $file: all is as before" [ "$(checksum)" = "$before" ]
	rm bob.out
	check "a $kind link to $file is gone: the key is there" within "$wait_seconds" same_key bob.out client.key
	check "a $kind link to $file is gone: all is as before" [ "$(checksum)" = "$before" ]
	check "a $kind link to $file: both end with 0" ends TERM "$server" "$client"
	rm bob.out client.key
done <<-'END_OF_CASES'
	symbolic own.sk
	hard own.sk
	symbolic own.pk
	symbolic f.toml
	hard bob.pk
	symbolic carol.pk
	hard psk
	symbolic carol.out
END_OF_CASES

# --- files that were prepared ----------------------------------------------------------------------------------------

# A server that writes to OUT, and the client that calls it, until both agree. Words for the server follow.
deliver()
{
	local words=$1 out=$2

	shift 2
	configure_one "$out"
	run server "$@" "$rosenpass" exchange-config f.toml
	server=$pid
	start client bob peer public-key own.pk endpoint "127.0.0.1:$port" outfile client.key
	client=$pid
	check "$words: both sides agree" agree "$out" client.key
	check "$words: both end with 0" ends TERM "$server" "$client"
	rm client.key
}

# More lines for the peer are in $lines.
configure_one()
{
	printf '%s\n' 'public_key = "own.pk"' 'secret_key = "own.sk"' "listen = [\"127.0.0.1:$port\"]" '[[peers]]' \
		'public_key = "bob.pk"' "key_out = \"$1\"" "${lines[@]}" >f.toml
}
lines=()

# is FILE MODE OWNER GROUP
is()
{
	[ "$(stat -c '%a %u %g' "$1")" = "$2 $3 $4" ] || { stat "$1"; false; }
}
own_user=$(id -u)
own_group=$(id -g)

in_folder new-files
own_keys
free_port
for mask in 000 022 077; do
	umask "$mask"
	deliver "a new file, umask $mask" "out$mask"
	check "a new file, umask $mask: it is ours alone" is "out$mask" 600 "$own_user" "$own_group"
done
umask 022
lines=('key_out_mode = "0640"')
deliver "key_out_mode" mode.out
check "key_out_mode: it has it" is mode.out 640 "$own_user" "$own_group"
lines=('key_out_mode = "0644"')
deliver "a file for everybody" everybody.out
check "a file for everybody: a warning" grep -q 'warn: peer 1: its keys can be read by every user' server.err
lines=('key_out_mode = "0600"' '[[peers]]' 'public_key = "carol.pk"' 'key_out = "carol.out"')
deliver "a file that has another mode" mode.out
check "a file that has another mode: it stays" is mode.out 640 "$own_user" "$own_group"
check "a file that has another mode: it is said" grep -q 'warn: peer 1: outfile "mode.out" is there and stays as it is' server.err
lines=()
for line in 'key_out_mode = "0666"' 'key_out_mode = 640' 'key_out_mode = "rw"' 'key_out_group = "no such group"'; do
	lines=("$line")
	configure_one out
	check "$line: validate refuses it" says_and_fails "${line%% *}" "$rosenpass" validate f.toml
	check "$line: it does not start" says_and_fails "${line%% *}" "$rosenpass" exchange-config f.toml
done
lines=()
if is_root; then
	lines=('key_out_mode = "0640"' 'key_out_group = 33')
	deliver "key_out_group" group.out
	check "key_out_group: it has it" is group.out 640 0 33
	lines=("key_out_group = \"$(getent group daemon | cut -d : -f 1)\"")
	deliver "key_out_group by name" name.out
	check "key_out_group by name: it has it" is name.out 600 0 "$(getent group daemon | cut -d : -f 3)"
	lines=()
	mkdir shared && chown 0:33 shared && chmod 2770 shared
	deliver "a directory that hands on its group" shared/out
	check "a directory that hands on its group: so it does" is shared/out 600 0 33
	# For all peers, and those that are added.
	configure_one bob.out
	sed -i '1i key_out_mode = "0640"\nkey_out_group = 33' f.toml
	run server "$rosenpass" exchange-config f.toml
	server=$pid
	check "key_out_mode for all: the daemon answers" within 10 answers f
	check "key_out_mode for all: a peer is added" "$rosenpass" peer add --daemon f public-key "$keys/carol.pk" outfile carol.out
	start client carol peer public-key own.pk endpoint "127.0.0.1:$port" outfile client.key
	client=$pid
	check "key_out_mode for all: both sides agree" agree carol.out client.key
	check "key_out_mode for all: a peer that was added has it" is carol.out 640 0 33
	check "key_out_mode for all: both end with 0" ends TERM "$server" "$client"
else
	skip "groups: only root may choose any"
fi

in_folder prepared
own_keys
free_port
printf 'an old key' >out && chmod 660 out
is_root && chown 1234:33 out
before=$(stat -c '%a %u %g' out)
deliver "a file that was prepared" out
check "a file that was prepared: as it was" [ "$(stat -c '%a %u %g' out)" = "$before" ]
mkdir real
ln -s real/out link
deliver "a link that leads to no file yet" link
check "a link that leads to no file yet: it is one" test -L link
check "a link that leads to no file yet: there is one" is real/out 600 "$own_user" "$own_group"
deliver "a link" link
check "a link: it is one" test -L link
chmod 644 out
deliver "a file that everybody can read" out
check "a file that everybody can read: a warning" grep -q 'warn: peer 1: outfile "out" can be read by every user' server.err
if has_mounts; then
	: >host && : >single && mount --bind host single
	deliver "a single file that is mounted" single
	check "a single file that is mounted: the one outside has the key" is_base64_key host
	umount single
	mkdir read-only && : >read-only/out && mount --bind read-only read-only && mount --bind host read-only/out &&
		mount -o remount,bind,ro read-only
	deliver "in a directory for reading" read-only/out
	umount read-only/out read-only
else
	skip "mounts: needs root"
fi

# As another user, for whom most is closed.
in_folder other-user
own_keys
free_port
if is_root; then
	as=(setpriv --reuid 1234 --regid 1234 --clear-groups --)
	chown 1234 own.sk
	chmod 777 "$RUNTIME_DIRECTORY"
	mkdir closed && : >closed/out && chown 1234 closed/out
	before=$(stat -c %i closed/out)
	deliver "a file of ours in a directory that is not" closed/out "${as[@]}"
	check "a file of ours in a directory that is not: the same one" [ "$(stat -c %i closed/out)" = "$before" ]
	printf 'an old key' >closed/theirs
	mkdir -m 777 open
	while read -r out pattern; do
		[ "$out" != open/group ] || lines=('key_out_group = 33')
		configure_one "$out"
		check "$out: validate says so" says_and_fails "$pattern" "${as[@]}" "$rosenpass" validate f.toml
		run server "${as[@]}" "$rosenpass" exchange-config f.toml
		check "$out: it is said at the start" within 10 grep -q "error: peer 1: cannot write outfile \"$out\": $pattern" server.err
		check "$out: status tells" within 10 shows f peers.0.outputs.0.error "$pattern.*"
		check "$out: the daemon runs all the same" ends TERM "$pid"
	done <<-'END_OF_CASES'
		closed/theirs Permission denied
		closed/new Permission denied
		missing/out its directory does not exist
		open/group it cannot be given to group 33
	END_OF_CASES
	lines=()
	configure_one "/run/rosenpass-test-$$/out"
	check "a directory below /run may be missing: validate says so" grep -q 'does not exist yet' <("$rosenpass" validate f.toml 2>&1)
	check "a directory below /run may be missing: it is valid" "$rosenpass" validate f.toml
	check "what is not ours is as it was" [ "$(cat closed/theirs)" = 'an old key' ]
	deliver "a file of root in a directory for all" open/ours "${as[@]}"
	check "a file in a directory for all: it is ours" is open/ours 600 1234 1234
else
	skip "another user: only root can become one"
fi
mkdir directory
configure_one directory
check "a directory: validate says so" says_and_fails 'outfile "directory" is a folder or device' "$rosenpass" validate f.toml
cp "$keys/dave.pk" other.pk 2>/dev/null || cp "$keys/carol.sk" other.sk
configure_one other.sk
check "somebody's secret key: validate says so" says_and_fails 'size of a public or secret key' "$rosenpass" validate f.toml
before=$(sha256sum other.sk)
run server "$rosenpass" exchange-config f.toml
server=$pid
start client bob peer public-key own.pk endpoint "127.0.0.1:$port" outfile client.key
client=$pid
check "somebody's secret key: the client has its key" within "$wait_seconds" is_base64_key client.key
check "somebody's secret key: it is said" grep -q 'error: peer 1: cannot write outfile "other.sk": it has the size' server.err
check "somebody's secret key: it is as it was" [ "$(sha256sum other.sk)" = "$before" ]
check "somebody's secret key: both end with 0" ends TERM "$server" "$client"

# --- what a killed daemon leaves -------------------------------------------------------------------------------------

in_folder killed
own_keys
free_port
configure_one out
if command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null; then
	run server strace -f -qq -o trace -e trace=renameat,renameat2,rename -e inject=renameat,renameat2,rename:signal=KILL:error=EIO \
		"$rosenpass" exchange-config f.toml
	server=$pid
	start client bob peer public-key own.pk endpoint "127.0.0.1:$port" outfile client.key
	client=$pid
	check "killed before rename: it is gone" within "$wait_seconds" gone "$server"
	check "killed before rename: a temporary file is left" [ "$(find . -name '.rosenpass-??????' -size 44c | wc -l)" -eq 1 ]
	check "killed before rename: the client ends with 0" ends TERM "$client"
else
	skip "killed before rename: no strace here that may trace"
	printf 'a key' >.rosenpass-AbCd12
fi
# One of another daemon, which is being written; and files that are named alike.
printf 'a key' >.rosenpass-LiVe00
exec 7<.rosenpass-LiVe00
flock 7
printf x >.rosenpass-toolong && printf x >rosenpass-AbCd12 && mkdir .rosenpass-folder
run server "$rosenpass" exchange-config f.toml
check "the next start: it is said" within 10 grep -q 'info: removed 1 temporary file with keys' server.err
check "the next start: nothing else is removed" [ "$(find . -name '*rosenpass-*' | sort | tr '\n' ' ')" = \
	"./.rosenpass-LiVe00 ./.rosenpass-folder ./.rosenpass-toolong ./rosenpass-AbCd12 " ]
check "the next start: the daemon ends with 0" ends TERM "$pid"
exec 7<&-
run server "$rosenpass" exchange-config f.toml
check "its writer is gone: it is removed" within 10 grep -q 'info: removed 1 temporary file with keys' server.err
check "its writer is gone: the daemon ends with 0" ends TERM "$pid"
check "its writer is gone: so it is" [ ! -e .rosenpass-LiVe00 ]
printf 'a key' >.rosenpass-AbCd12
check "gen-keys removes what is left beside its files" "$rosenpass" gen-keys -p new.pk -s new.sk
check "gen-keys: so it is" [ ! -e .rosenpass-AbCd12 ]

# --- files of commands -----------------------------------------------------------------------------------------------

in_folder commands
own_keys
for mask in 000 077 777; do
	umask "$mask"
	check "gen-keys, umask $mask" "$rosenpass" gen-keys -f -p new.pk -s new.sk
	umask 022
	check "gen-keys, umask $mask: everybody can read the public key" has_mode 644 new.pk
	check "gen-keys, umask $mask: nobody else can read the secret key" has_mode 600 new.sk
done
umask 022
ln -s new.sk link
ln new.sk hard
before=$(sha256sum own.sk own.pk new.sk new.pk bob.pk psk)
for other in ./new.sk link hard "$PWD/new.sk"; do
	check "gen-keys: $other is the same file" says_and_fails 'cannot be the same file' "$rosenpass" gen-keys -f -p "$other" -s new.sk
done
for secret in bob.pk ./bob.pk psk f.toml out; do
	printf '%s\n' 'public_key = "new.pk"' "secret_key = \"$secret\"" '[[peers]]' 'public_key = "bob.pk"' \
		'pre_shared_key = "psk"' 'key_out = "./out"' >f.toml
	check "gen-keys: $secret is used for something else" says_and_fails 'gen-keys: .*is the same file as' \
		"$rosenpass" gen-keys -f f.toml
done
check "all is as before" [ "$(sha256sum own.sk own.pk new.sk new.pk bob.pk psk)" = "$before" ]

chmod 644 own.sk psk
printf '%s\n' 'public_key = "own.pk"' 'secret_key = "own.sk"' '[[peers]]' 'public_key = "bob.pk"' \
	'pre_shared_key = "psk"' 'key_out = "out"' >f.toml
check "secrets that others can read: validate" "$rosenpass" validate f.toml
"$rosenpass" validate f.toml 2>said
check "secrets that others can read: a warning for the secret key" grep -q 'warn: secret-key file "own.sk" can be read by other users' said
check "secrets that others can read: a warning for the preshared key" grep -q 'warn: preshared-key file "psk" can be read by other users' said
run server "$rosenpass" exchange-config f.toml
check "secrets that others can read: a daemon warns" within 10 grep -q 'warn: preshared-key file "psk"' server.err
check "secrets that others can read: the daemon ends with 0" ends TERM "$pid"
chmod 600 own.sk psk

# Variables as systemd sets them.
# shellcheck disable=SC2016
printf '%s\n' 'public_key = "own.pk"' 'secret_key = "${CREDENTIALS_DIRECTORY}/own.sk"' '[[peers]]' 'public_key = "bob.pk"' \
	'key_out = "${STATE_DIRECTORY}/out"' >f.toml
check "variables: one is not set" says_and_fails 'CREDENTIALS_DIRECTORY is not set' "$rosenpass" validate f.toml
check "variables: they are replaced" env "CREDENTIALS_DIRECTORY=$PWD" "STATE_DIRECTORY=$PWD:/nowhere" "$rosenpass" validate f.toml
check "variables: what they lead to counts" says_and_fails 'same file as secret_key' \
	env "CREDENTIALS_DIRECTORY=$PWD" "STATE_DIRECTORY=$PWD" bash -c 'ln -sf own.sk out; exec "$@"' - "$rosenpass" validate f.toml
# shellcheck disable=SC2016
printf '%s\n' 'private_keys_dir = "${CREDENTIALS_DIRECTORY}"' '[[peers]]' 'public_keys_dir = "~/p"' >rp.toml
check "rp: one is not set" says_and_fails 'rp.toml:1: private_keys_dir .*CREDENTIALS_DIRECTORY is not set' "$rp" exchange-config rp.toml
check "rp: they are replaced" says_and_fails "private-keys folder \"$PWD/nowhere\" does not exist" \
	env "CREDENTIALS_DIRECTORY=$PWD/nowhere" "$rp" exchange-config rp.toml
check "rp: private keys" "$rp" genkey private
check "rp: public keys" "$rp" pubkey private public
chmod 755 private && chmod 644 private/wgsk
check "rp: a warning for the folder and for wgsk" bash -c '"$1" pubkey private public2 2>&1 |
	grep -cE "warn: private-keys folder \"private\" is open|warn: \"private/wgsk\" can be read" | grep -qx 2' - "$rp"

finish
