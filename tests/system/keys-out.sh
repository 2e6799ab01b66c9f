#!/usr/bin/env bash
# usage: keys-out.sh ROSENPASS ROSENPASS_FAST ASK
# Where keys go: files on disks that are full, missing or closed, and commands of every kind. The last line is
# "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" rosenpass_fast
fast=$program
ask=$(absolute "$3")

disk=
before_clean_up()
{
	[ -z "$disk" ] || umount -l "$disk"
}

# configure [LINE...]: server.toml in this folder, with alice as ourselves and bob as the only peer; more lines for bob.
configure()
{
	cat >server.toml <<-END
		public_key = "$keys/alice.pk"
		secret_key = "$keys/alice.sk"
		listen = ["127.0.0.1:$port"]

		[[peers]]
		name = "bob"
		public_key = "$keys/bob.pk"
	END
	printf '%s\n' "$@" >>server.toml
}

# serve: a daemon with server.toml and a client; their process ids in $server and $client. The client's key is in bob.key.
serve()
{
	run server "${as[@]}" "$rosenpass" exchange-config server.toml
	server=$pid
	call
}
as=()

call()
{
	start client bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile bob.key
	client=$pid
}

both_end()
{
	check "$1: both end with 0" ends TERM "$server" "$client"
}

# command NAME: a program from what is on standard input.
command()
{
	{
		echo '#!/usr/bin/env bash'
		cat
	} >"$1"
	chmod 755 "$1"
}

# --- files -----------------------------------------------------------------------------------------------------------

# fill NAME: no byte more can be written to the disk.
fill()
{
	dd if=/dev/zero of="$disk/filler$1" bs=4096 2>/dev/null
	not dd if=/dev/zero of="$disk/more" bs=4096 count=1 2>/dev/null
}

# Twenty seconds are one.
in_folder full-disk
mkdir disk
if is_root && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
	disk=$PWD/disk
	rosenpass=$fast
	export ROSENPASS_TEST_CLOCK_SCALE=20
	free_port
	configure 'key_out = "disk/bob"' '' '[[peers]]' 'name = "carol"' "public_key = \"$keys/carol.pk\"" 'key_out = "carol"'
	check "the disk is full" fill 1
	serve
	start other carol peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile carol.key
	other=$pid
	check "a full disk: the client has its key" within "$wait_seconds" is_base64_key bob.key
	check "a full disk: it is said" within 5 grep -q 'error: peer bob: cannot write outfile "disk/bob": No space left on device' server.err
	check "a full disk: status tells" shows server peers.bob.outputs.0.state failing
	check "a full disk: status tells why" shows server peers.bob.outputs.0.error 'No space left on device'
	check "a full disk: nothing of a file is there" [ "$(ls -A disk | sort | tr '\n' ' ')" = "filler1 more " ]
	check "a full disk: no line" not grep -q 'disk/bob' server.out
	check "a full disk: another peer has its key" agree carol carol.key
	rm disk/filler1 disk/more
	check "there is room again: the key is there" within 10 same_key disk/bob bob.key
	check "there is room again: the line is there" within 5 grep -q 'key-file "disk/bob" exchanged$' server.out
	check "there is room again: status tells" shows server peers.bob.outputs.0.state delivered
	check "there is room again: it is said" within 5 grep -q 'info: peer bob: its outfile works again' server.err
	# Full once more, while several keys come; the newest one counts.
	cp bob.key before
	check "the disk is full once more" fill 2
	later_key()
	{
		is_base64_key bob.key && ! cmp -s bob.key before
	}
	check "the disk is full once more: the client has another key" within 20 later_key
	check "the disk is full once more: the old key stays in its file" same_key disk/bob before
	cp bob.key second
	later_still()
	{
		later_key && ! cmp -s bob.key second
	}
	check "the disk is full once more: the client has a third key" within 20 later_still
	rm disk/filler2 disk/more
	check "there is room again: the newest key is there" within 10 same_key disk/bob bob.key
	check "it was complained about twice in all" counts 2 'error: peer bob: cannot write outfile' server.err
	check "the other peer was not disturbed" same_key carol carol.key
	both_end "a full disk"
	check "a full disk: the other client ends with 0" ends TERM "$other"
	unset ROSENPASS_TEST_CLOCK_SCALE
	rosenpass=$work/rosenpass
else
	skip "a full disk: needs root, and to be allowed to mount"
fi

in_folder missing-folder
free_port
configure 'key_out = "folder/bob"'
serve
check "a missing folder: the client has its key" within "$wait_seconds" is_base64_key bob.key
check "a missing folder: status tells" within 5 shows server peers.bob.outputs.0.error 'its directory does not exist'
check "a missing folder: it was tried again" within 10 shows server peers.bob.outputs.0.failures '[2-9]'
check "a missing folder: it is said once" counts 1 'folder/bob' server.err
mkdir folder
check "the folder comes: the key is there" within "$wait_seconds" same_key folder/bob bob.key
check "the folder comes: status has no error" shows server peers.bob.outputs.0.error null
both_end "a missing folder"

in_folder closed-folder
mkdir folder
chmod 755 folder
if is_root; then
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
	chmod 777 "$RUNTIME_DIRECTORY"
	chown 65534 "$keys/alice.sk"
else
	chmod 555 folder
fi
free_port
configure 'key_out = "folder/bob"'
serve
check "a folder that may not be written to: the client has its key" within "$wait_seconds" is_base64_key bob.key
check "a folder that may not be written to: status tells" within 5 shows server peers.bob.outputs.0.error 'Permission denied'
chmod 777 folder
check "it may be written to: the key is there" within "$wait_seconds" same_key folder/bob bob.key
check "it may be written to: nothing else is there" [ "$(ls -A folder)" = bob ]
both_end "a folder that may not be written to"
as=()

# --- commands --------------------------------------------------------------------------------------------------------

in_folder command
command hook <<'END'
printf '%s\n' "$@" >arguments
tr '\0' '\n' </proc/$$/environ >environment
tr '\0' '\n' </proc/$$/cmdline >line
cat /proc/self/status >process
find /proc/$$/fd -type l -printf '%f ' >descriptors
cat >input
echo "words on standard output"
echo "words on standard error" >&2
mv input input.done
END
free_port
configure 'key_out = "bob"' 'exchange_command = ["./hook", "first", "second word"]'
SECRET_OF_TESTS=kept serve
check "a command: both sides agree" agree bob bob.key
check "a command: it runs" within 10 test -e input.done
check "a command: the key is its input" diff <(cat bob; echo) input.done
check "a command: its arguments" diff <(printf '%s\n' first 'second word') arguments
# The hash of the dialect that came first makes the id: hence as in the line.
id=$(cut -d ' ' -f 3 server.out)
for line in ROSENPASS_PEER=bob "ROSENPASS_PEER_ID=$id" ROSENPASS_REASON=exchanged ROSENPASS_ROLE=responder \
	ROSENPASS_KEY_FILE=bob ROSENPASS_DAEMON=server; do
	check "a command: $line in its environment" grep -qxF "$line" environment
done
check "a command: what we have in our environment" grep -qx SECRET_OF_TESTS=kept environment
check "a command: no key in its environment" not grep -qF "$(cat bob)" environment
check "a command: no key among its arguments" not grep -qF "$(cat bob)" line
check "a command: the standard streams, and what the shell opens itself" grep -qxE '0 1 2 (255 )?' descriptors
check "a command: no signal is blocked" grep -qE '^SigBlk:	0+$' process
check "a command: no signal is ignored" grep -qE '^SigIgn:	0+$' process
check "a command: what it says is not on our standard output" counts 1 '' server.out
check "a command: what it says is on standard error" within 5 grep -q 'words on standard output' server.err
check "a command: and what it complains" within 5 grep -q 'words on standard error' server.err
check "a command: status tells" within 5 shows server peers.bob.outputs.1.state delivered
check "a command: status tells which" shows server peers.bob.outputs.1.target './hook first.*second word.*'
check "a command: status tells why" shows server peers.bob.outputs.1.reason exchanged
both_end "a command"

in_folder failing
command hook <<'END'
cat >/dev/null
echo one >>runs
[ -e allowed ] || exit 3
END
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=20
free_port
configure 'exchange_command = ["./hook"]'
serve
check "a command that fails: the client has its key" within "$wait_seconds" is_base64_key bob.key
check "a command that fails: status tells" within 5 shows server peers.bob.outputs.0.state failing
check "a command that fails: status tells why" shows server peers.bob.outputs.0.error '.*3.*'
check "a command that fails: it is run again" within 10 shows server peers.bob.outputs.0.failures '[3-9]'
check "a command that fails: it is said once" \
	counts 1 'error: peer bob: cannot give its key to exchange_command ./hook: exited with 3' server.err
check "a command that fails: no line, as there is no file" [ ! -s server.out ]
touch allowed
check "it works: status tells" within 20 shows server peers.bob.outputs.0.state delivered
check "it works: no error any more" shows server peers.bob.outputs.0.error null
check "it works: it is said" within 5 grep -q 'info: peer bob: its exchange_command works again' server.err
both_end "a command that fails"

# hanging WORDS: as it took too long. The half minute takes one and a half seconds here.
hanging()
{
	local words=$1

	free_port
	configure 'exchange_command = ["./hook"]'
	serve
	check "$words: it runs" within "$wait_seconds" test -s process
	check "$words: status waits" shows server peers.bob.outputs.0.state waiting
	check "$words: it is ended" within 10 gone "$(cat process)"
	check "$words: status tells why" within 5 shows server peers.bob.outputs.0.error 'took longer than 30 seconds'
	check "$words: it is said" grep -q 'error: peer bob: cannot give its key to exchange_command ./hook: took longer than 30 seconds' server.err
	if [ -e child ]; then
		check "$words: what it has started is ended too" gone "$(cat child)"
	fi
	both_end "$words"
}

in_folder hanging
command hook <<'END'
echo $$ >process
exec sleep 1000
END
hanging "a command that hangs"

in_folder hanging-child
command hook <<'END'
sleep 1000 &
echo $! >child
echo $$ >process
wait
END
hanging "a command whose child hangs"

in_folder deaf
command hook <<'END'
trap '' TERM INT HUP
echo $$ >process
while :; do
	sleep 0.1
done
END
hanging "a command that does not want to end"

# Each time an error that has a name, and the other output has its key all the same.
unstartable()
{
	local words=$1 name=$2 pattern=$3

	free_port
	configure 'key_out = "bob"' "exchange_command = [\"$name\"]"
	"$rosenpass" validate server.toml 2>said
	[ -x "$name" ] || check "$words: validate warns" [ "$(grep -c "warn: peer 1 (bob): exchange_command \"$name\" is no program" said)" = 1 ]
	serve
	check "$words: the file has the key" agree bob bob.key
	check "$words: status tells why" within 10 shows server peers.bob.outputs.1.error "$pattern"
	check "$words: it is said" within 5 grep -qE "error: peer bob: cannot give its key to exchange_command $name: $pattern" server.err
	both_end "$words"
}

in_folder unstartable
unstartable "a command that is not there" ./nowhere 'No such file or directory'
in_folder unstartable-name
unstartable "a command that is not in PATH" no-command-of-that-name 'No such file or directory'
in_folder unstartable-file
echo 'no program' >file
chmod 644 file
unstartable "a command that may not be run" ./file 'Permission denied'
in_folder killed
command hook <<'END'
kill -SEGV $$
END
unstartable "a command that is killed" ./hook 'was ended by signal 11.*'

in_folder careless
free_port
configure 'key_out = "bob"' 'exchange_command = ["true"]'
serve
check "a command that does not read its input: both sides agree" agree bob bob.key
check "a command that does not read its input: all is well" within 10 shows server peers.bob.outputs.1.state delivered
both_end "a command that does not read its input"

# The client is killed; three minutes are nine seconds.
in_folder stale
command hook <<'END'
cat >"input.$ROSENPASS_REASON.part"
mv "input.$ROSENPASS_REASON.part" "input.$ROSENPASS_REASON"
END
free_port
configure 'key_out = "bob"' 'exchange_command = ["./hook"]'
serve
check "before the client is killed: both sides agree" agree bob bob.key
{ kill -KILL "$client" && wait "$client"; } 2>/dev/null
check "a key becomes stale: the command is told" within 20 test -e input.stale
check "a key becomes stale: it gets what the file has" diff <(cat bob; echo) input.stale
check "a key becomes stale: this is another one" not same_key bob bob.key
check "a key becomes stale: it looks like one" is_base64_key bob
check "a key becomes stale: the line is there" within 5 grep -q 'key-file "bob" stale$' server.out
check "a key becomes stale: status tells" shows server peers.bob.outputs.1.reason stale
check "a key becomes stale: it is said" grep -q 'warn: peer bob: the key is too old and was erased' server.err
call
check "the client comes back: both sides agree" agree bob bob.key
both_end "a key becomes stale"
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass

# A key that comes while the command works on the one before.
in_folder overtaken
command hook <<'END'
mkdir lock || touch two-at-a-time
cat >input
sleep 2
rmdir lock
mv input input.last
echo one >>runs
END
free_port
configure 'key_out = "bob"' 'exchange_command = ["./hook"]'
serve
check "a slow command: both sides agree" agree bob bob.key
within 10 test -d lock
cp bob before
ends TERM "$client"
call
check "a slow command: another key while it runs" within "$wait_seconds" new_key bob bob.key before
check "a slow command: the first run goes on to its end" within 10 test -s runs
last_is_newest()
{
	cmp -s <(cat bob; echo) input.last
}
check "a slow command: then it gets the newest key" within 10 last_is_newest
check "a slow command: never two at a time" [ ! -e two-at-a-time ]
check "a slow command: status tells" within 5 shows server peers.bob.outputs.1.state delivered
both_end "a slow command"

# Who has a key already may finish with it.
in_folder last-words
command hook <<'END'
cat >input
touch begun
sleep 1
mv input input.done
END
free_port
configure 'exchange_command = ["./hook"]'
serve
check "the daemon ends while a command runs: it runs" within "$wait_seconds" test -e begun
both_end "the daemon ends while a command runs"
check "the daemon ends while a command runs: it finishes" within 10 test -e input.done

# Of a peer that is removed.
in_folder removed
command hook <<'END'
cat >"input.$ROSENPASS_REASON.part"
mv "input.$ROSENPASS_REASON.part" "input.$ROSENPASS_REASON"
END
free_port
configure 'key_out = "bob"' 'exchange_command = ["./hook"]'
serve
check "before a peer is removed: both sides agree" agree bob bob.key
check "before a peer is removed: the command has the key" within 10 test -e input.exchanged
check "a peer is removed" request server '{"command": "peer-remove", "peer": "bob"}'
check "a peer is removed: the command is told" within 10 test -e input.stale
check "a peer is removed: another key" not cmp -s input.exchanged input.stale
check "a peer is removed: it is that in the file" diff <(cat bob; echo) input.stale
both_end "a peer is removed"

finish
