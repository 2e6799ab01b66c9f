#!/usr/bin/env bash
# usage: hooks.sh ROSENPASS ROSENPASS_FAST ASK
# Commands for keys when peers share one, leave or come back, and when the daemon stops; and files that a peer has left.
# The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

disk=
before_clean_up()
{
	[ -z "$disk" ] || umount -l "$disk"
}

program "$1" rosenpass
rosenpass=$program
program "$2" rosenpass_fast
fast=$program
ask=$(absolute "$3")

# Key pairs of further peers, who can answer too.
more=(dora emil fred gina)
for name in "${more[@]}"; do
	"$rosenpass" gen-keys -p "$keys/$name.pk" -s "$keys/$name.sk" >/dev/null 2>&1 || exit 1
done
six=(bob carol "${more[@]}")

# peer NAME [LINE...]: a peer for server.toml, on standard output.
peer()
{
	printf '\n[[peers]]\nname = "%s"\npublic_key = "%s/%s.pk"\n' "$1" "$keys" "$1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

# configure: server.toml with alice as ourselves and the peers on standard input.
configure()
{
	{
		cat <<-END
			public_key = "$keys/alice.pk"
			secret_key = "$keys/alice.sk"
			listen = ["127.0.0.1:$port"]
		END
		cat
	} >server.toml
}

# serve NAME...: a daemon with server.toml, and a client for each of these peers; their process ids in $server and
# $clients. Each has called the command with "exchanged".
serve()
{
	local name

	run server "$rosenpass" exchange-config server.toml
	server=$pid
	clients=()
	for name in "$@"; do
		start "$name" "$name" peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile "$name.key"
		clients+=("$pid")
	done
	for name in "$@"; do
		check "$words: the command has the first key of $name" within "$wait_seconds" called "$name" exchanged
	done
}

# called PEER REASON: whether the command has finished such a call.
called()
{
	grep -qxF "end $1 $2" calls
}

# calls_are PEER WORDS: what the command was called for, for that peer, in order.
calls_are()
{
	local found

	found=$(grep -E "^begin $1 " calls | cut -d ' ' -f 3 | tr '\n' ' ')
	[ "${found% }" = "$2" ] || { echo "called for $1: $found"; false; }
}

all_end()
{
	check "$words: all end with 0" ends TERM "$server" "${clients[@]}"
}

# left_in_status PATTERN: of the places with a key of a peer that is gone.
left_in_status()
{
	[[ $(value server left.0.target left.0.error | tr '\n' ' ') =~ $1 ]]
}

# one_at_a_time: never two programs for one peer.
one_at_a_time()
{
	check "$words: one program at a time" [ ! -e two-at-a-time ]
}

reload()
{
	check "$words: it is reloaded" request server '{"command": "reload"}'
}

# hook [LINE...]: a command that notes its calls, and does these lines within. It holds a lock for its peer.
hook()
{
	cat >hook <<-END
		#!/usr/bin/env bash
		name=\$ROSENPASS_PEER
		reason=\$ROSENPASS_REASON
		mkdir "lock.\$name" || touch two-at-a-time
		echo "begin \$name \$reason" >>calls
		cat >"input.\$name.\$reason"
		$(printf '%s\n' "$@")
		echo "end \$name \$reason" >>calls
		rmdir "lock.\$name"
	END
	chmod 755 hook
	: >calls
}
command='exchange_command = ["./hook"]'

# --- peers that share a command ----------------------------------------------------------------------------------

# Both are gone at once, and somebody new has the same command.
words="two peers with one command"
in_folder two
hook '[ "$reason" = exchanged ] || sleep 2'
free_port
{
	peer bob "$command"
	peer carol "$command"
} | configure
serve bob carol
peer dora "$command" | configure
reload
check "$words: both are told that their keys are worth nothing" within 15 called carol stale
check "$words: the first one as well" within 15 called bob stale
check "$words: each got another key" not cmp -s input.bob.stale input.carol.stale
check "$words: once each" calls_are bob "exchanged stale"
check "$words: once each, the second one too" calls_are carol "exchanged stale"
check "$words: nothing for the new one" calls_are dora ""
all_end

# Of these seconds twenty pass in one: a call takes 16 of them, and a peer that leaves has 60.
words="six peers with one slow command"
in_folder six
hook '[ "$reason" = exchanged ] || sleep 0.8'
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=20
free_port
for name in "${six[@]}"; do
	peer "$name" "$command"
done | configure
serve "${six[@]}"
configure </dev/null
reload
for name in "${six[@]}"; do
	check "$words: $name is told" within 15 called "$name" stale
done
check "$words: nothing is given up" not grep -q 'error:' server.err
all_end
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass


# Neither those who leave nor those who stay wait for a command that hangs.
words="one of three hangs"
in_folder hangs
hook 'if [ "$name $reason" = "bob stale" ]; then' 'echo $$ >deaf; trap "" TERM INT HUP; for i in {1..600}; do sleep 0.1; done' 'fi'
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=20
free_port
{
	peer bob "$command"
	peer carol "$command"
	peer dora "$command"
} | configure
serve bob carol dora
peer dora "$command" | configure
reload
check "$words: another one that leaves is told" within 5 called carol stale
check "$words: that one hangs" within 5 test -s deaf
check "$words: it is ended by force" within 15 gone "$(cat deaf)"
check "$words: it is said" within 5 grep -q 'error: peer bob: cannot tell exchange_command ./hook that its key is void: took longer than 30 seconds' server.err
check "$words: status shows it" within 5 left_in_status '^./hook took longer than 30 seconds'
check "$words: at last it is given up" within 20 grep -q 'error: peer bob: its last key could not be taken from exchange_command ./hook: took longer' server.err
check "$words: one who stays has not heard of it" calls_are dora exchanged
all_end
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass

# A peer leaves while its command works on a key, and comes back before it has ended.
words="removed and added again"
in_folder again
hook 'sleep 1.5'
free_port
peer bob "$command" | configure
run server "$rosenpass" exchange-config server.toml
server=$pid
start bob bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile bob.key
clients=("$pid")
check "$words: the command works on a key" within "$wait_seconds" grep -q '^begin bob exchanged' calls
check "$words: removed" request server '{"command": "peer-remove", "peer": "bob"}'
check "$words: added" request server "{\"command\": \"peer-add\", \"words\": [\"public-key\", \"$keys/bob.pk\", \"name\", \"bob\", \"outfile\", \"$PWD/bob\"]}"
check "$words: removed once more" request server '{"command": "peer-remove", "peer": "bob"}'
reload
check "$words: a new exchange" ends TERM "${clients[0]}"
start bob bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile bob.key
clients=("$pid")
in_order()
{
	calls_are bob "exchanged stale exchanged"
}
check "$words: told in this order" within 15 in_order
has_present_key()
{
	cmp -s <(head -c 44 input.bob.exchanged) bob.key
}
check "$words: the last call has the present key" within 10 has_present_key
one_at_a_time
all_end

# --- the end of the daemon ---------------------------------------------------------------------------------------

# A call runs, and one more is due for the same peer.
words="the daemon stops"
in_folder stops
hook 'sleep 1.5'
free_port
{
	peer bob "$command"
	peer carol "$command"
} | configure
serve bob carol
check "$words: removed" request server '{"command": "peer-remove", "peer": "bob"}'
check "$words: the last call runs" within 5 grep -q '^begin bob stale' calls
check "$words: the key of one who stays is renewed" ends TERM "${clients[1]}"
start carol carol peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile carol.key
clients=("${clients[0]}" "$pid")
twice()
{
	calls_are carol "exchanged exchanged"
}
check "$words: with a call" within 15 twice
check "$words: one more leaves, whose command runs" request server '{"command": "peer-remove", "peer": "carol"}'
check "$words: it is told to" ends TERM "$server"
check "$words: the call that ran has finished" called bob stale
check "$words: the call that was due as well" called carol stale
check "$words: no more than that" calls_are carol "exchanged exchanged stale"
one_at_a_time
check "$words: clients end" ends TERM "${clients[@]}"

words="the daemon stops and a command hangs"
in_folder hangs-at-stop
hook 'echo $$ >deaf; trap "" TERM INT HUP; for i in {1..600}; do sleep 0.1; done'
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=20
free_port
peer bob "$command" | configure
run server "$rosenpass" exchange-config server.toml
server=$pid
start bob bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile bob.key
clients=("$pid")
check "$words: it hangs" within "$wait_seconds" test -s deaf
all_end
check "$words: the command is ended" gone "$(cat deaf)"
check "$words: it is said" grep -q 'error: peer bob: .*did not end in time when the daemon stopped' server.err
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass

# Whoever asks twice is in a hurry.
words="the daemon is told to stop twice"
in_folder twice
hook 'echo $$ >slow; exec sleep 100'
free_port
peer bob "$command" | configure
run server "$rosenpass" exchange-config server.toml
server=$pid
start bob bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile bob.key
clients=("$pid")
check "$words: a command runs" within "$wait_seconds" test -s slow
kill -TERM "$server"
check "$words: it waits" within 5 grep -q 'waiting for the programs' server.err
sleep 1
check "$words: it still waits" not gone "$server"
refused()
{
	[[ $(request server '{"command": "reload"}') == *'"the daemon stops"'* ]]
}
check "$words: a reload is refused" refused
check "$words: status is answered" shows server peers.bob.outputs.0.state waiting
all_end
check "$words: the command is ended" gone "$(cat slow)"

# --- files that a peer has left ------------------------------------------------------------------------------------

words="a file system that is read-only"
in_folder read-only
mkdir disk
if is_root && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
	disk=$PWD/disk
	free_port
	{
		peer bob 'key_out = "disk/key"'
		peer carol 'key_out = "disk/carol"'
	} | configure
	run server "$rosenpass" exchange-config server.toml
	server=$pid
	clients=()
	for name in bob carol; do
		start "$name" "$name" peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile "$name.key"
		clients+=("$pid")
	done
	check "$words: both have keys" agree disk/key bob.key
	check "$words: the other one too" agree disk/carol carol.key
	# A peer that never answers gets the file of one, and the other one gets another file.
	check "$words: it is" mount -o remount,ro disk
	{
		peer dora 'key_out = "disk/key"'
		peer carol 'key_out = "elsewhere"'
	} | configure
	reload
	check "$words: it is said" grep -q 'error: peer bob: cannot erase its last key in "disk/key".*Read-only file system' server.err
	check "$words: of the other file too" grep -q 'error: peer carol: cannot erase its last key in "disk/carol".*Read-only' server.err
	dora_fails()
	{
		[[ $(value server 'peers.0.name' 'peers.0.outputs.0.state' 'peers.0.outputs.0.error' | tr '\n' ' ') == \
			"dora failing it still has the last key of peer bob: Read-only file system "* ]]
	}
	check "$words: status tells it of the new owner" dora_fails
	check "$words: status shows the file that has none" left_in_status 'disk/(key|carol) Read-only file system'
	check "$words: the old key is still there" same_key disk/key bob.key
	sleep 2
	check "$words: writable again" mount -o remount,rw disk
	other_key()
	{
		is_base64_key "$1" && ! cmp -s "$1" "$2"
	}
	check "$words: then the old key goes" within 15 other_key disk/key bob.key
	check "$words: the other one too" within 15 other_key disk/carol carol.key
	check "$words: each is a line" within 5 grep -q 'key-file "disk/key" stale$' server.out
	check "$words: the other one too" within 5 grep -q 'key-file "disk/carol" stale$' server.out
	check "$words: said once, and when it is done" counts 4 'its last key in "disk/' server.err
	check "$words: the new owner has no key yet" shows server peers.0.outputs.0.state none
	# Once more, with an owner who has keys.
	{
		peer dora 'key_out = "disk/dora"'
		peer bob 'key_out = "disk/key"'
		peer carol 'key_out = "elsewhere"'
	} | configure
	reload
	check "$words: a key again" ends TERM "${clients[0]}"
	start bob bob peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile bob.key
	clients[0]=$pid
	check "$words: both have it" agree disk/key bob.key
	cp disk/key before
	check "$words: read-only once more" mount -o remount,ro disk
	peer carol 'key_out = "disk/key"' | configure
	reload
	check "$words: the new owner exchanges a key" ends TERM "${clients[1]}"
	start carol carol peer public-key "$keys/alice.pk" endpoint "127.0.0.1:$port" outfile carol.key
	clients[1]=$pid
	carol_fails()
	{
		[[ $(value server 'peers.0.outputs.0.state' 'peers.0.outputs.0.error' | tr '\n' ' ') == \
			"failing Read-only file system "* ]]
	}
	check "$words: which does not get there" within 20 carol_fails
	check "$words: the old key stays until then" same_key disk/key before
	check "$words: writable at last" mount -o remount,rw disk
	check "$words: the new owner's key is there" within 20 same_key disk/key carol.key
	sleep 3
	check "$words: and stays there" same_key disk/key carol.key
	check "$words: nothing is left" [ "$(value server 'left.#')" = 0 ]
	all_end
else
	skip "a file system that is read-only: needs root, and to be allowed to mount"
fi

finish
