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
	start client bob peer public-key own.pk endpoint "127.0.0.1:$port" outfile client.out
	client=$pid
	check "a $kind link to $file: the client has its key" within "$wait_seconds" is_base64_key client.out
	check "a $kind link to $file: it is said" within 10 grep -q \
		'error: peer 1: cannot write outfile "bob.out": .*is the same file as' server.err
	check "a $kind link to $file: status tells" shows f peers.0.outputs.0.state failing
	check "a $kind link to $file: all is as before" [ "$(checksum)" = "$before" ]
	rm bob.out
	check "a $kind link to $file is gone: the key is there" within "$wait_seconds" same_key bob.out client.out
	check "a $kind link to $file is gone: all is as before" [ "$(checksum)" = "$before" ]
	check "a $kind link to $file: both end with 0" ends TERM "$server" "$client"
	rm bob.out client.out
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

finish
