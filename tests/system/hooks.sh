#!/usr/bin/env bash
# usage: hooks.sh ROSENPASS ROSENPASS_FAST ASK
# Commands for keys when peers share one, leave or come back, and when the daemon stops. The last line is "N passed,
# N failed".
# shellcheck source=common.bash
source "$(dirname "${BASH_SOURCE[0]}")/common.bash"

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

finish
