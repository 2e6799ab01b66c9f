#!/usr/bin/env bash
# usage: lifecycle.sh ROSENPASS ROSENPASS_FAST ASK
# What happens to a daemon while it runs: another configuration, peers that come and go, processes that are killed,
# restarts. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rosenpass
rosenpass=$program
program "$2" rosenpass_fast
fast=$program
ask=$(absolute "$3")
for name in dave erin; do
	"$rosenpass" gen-keys -p "$keys/$name.pk" -s "$keys/$name.sk" || exit 1
done

# configure OWNER LISTEN [PEER...]: server.toml in this folder. A peer is NAME, whose key goes to the file NAME, or
# NAME:PORT, where it is called.
configure()
{
	local owner=$1 listen=$2 peer name

	shift 2
	cat >server.toml <<-END
		public_key = "$keys/$owner.pk"
		secret_key = "$keys/$owner.sk"
		listen = ["127.0.0.1:$listen"]
		verbosity = "Quiet"
	END
	for peer in "$@"; do
		name=${peer%:*}
		cat >>server.toml <<-END

			[[peers]]
			name = "$name"
			public_key = "$keys/$name.pk"
			key_out = "$name"
		END
		[ "$peer" = "$name" ] || echo "endpoint = \"127.0.0.1:${peer#*:}\"" >>server.toml
	done
}

# serve: a daemon with server.toml; its process id in $server.
serve()
{
	run server "$rosenpass" exchange-config server.toml
	server=$pid
}

# client NAME OWNER [PORT [LISTEN]]: calls the server, which has the keys of OWNER; its key goes to the file NAME.key.
client()
{
	start "$1" "$1" ${4:+listen "127.0.0.1:$4"} peer public-key "$keys/$2.pk" endpoint "127.0.0.1:${3:-$port}" outfile "$1.key"
	clients+=("$pid")
}

# sessions NAME...: all that must stay the same while nothing is exchanged with these peers.
sessions()
{
	local name

	for name in "$@"; do
		echo "$name" "$(cat "$name")"
		value server "peers.$name.exchanges" "peers.$name.address" "peers.$name.has_key" \
			"peers.$name.outputs.0.state" || return 1
	done
	grep -v stale server.out
}

# no_renewal NAME...: none is due in the next quarter of a minute.
no_renewal()
{
	local name seconds

	for name in "$@"; do
		seconds=$(value server "peers.$name.renewal_in") || return 1
		[ "$seconds" = null ] || [ "${seconds%%.*}" -ge 15 ] || return 1
	done
}

# keeps WORDS NAME... -- COMMAND...: the sessions of these peers go on as they were while a command runs.
keeps()
{
	local names=() words=$1 before

	shift
	while [ "$1" != -- ]; do
		names+=("$1")
		shift
	done
	shift
	within 30 no_renewal "${names[@]}"
	before=$(sessions "${names[@]}")
	check "$words" "$@"
	# An exchange that it should not have caused would come within this time.
	sleep 1
	check "$words: sessions of ${names[*]} stay" diff <(echo "$before") <(sessions "${names[@]}")
}

reload()
{
	request server '{"command": "reload"}' "$@"
}

reload_to()
{
	reload >"$1"
}

# reloaded ADDED REMOVED CHANGED UNCHANGED: what the last line of the log about it says.
reloaded()
{
	[ "$(grep 'info: reloaded' server.err | tail -n 1)" = \
		"rosenpass: info: reloaded \"server.toml\": $1 peers added, $2 removed, $3 changed, $4 unchanged" ]
}

holds_port()
{
	local hex

	printf -v hex ':%04X ' "$1"
	grep -q "$hex" /proc/net/udp
}

# erased NAME: the file holds a key that the client does not have, and the lines say so.
erased()
{
	is_base64_key "$1" && ! same_key "$1" "$1.key" && grep -qE "key-file \"(.*/)?$1\" stale\$" server.out
}

# --- another configuration -------------------------------------------------------------------------------------------

in_folder reload
clients=()
free_port
configure alice "$port" bob carol
serve
client bob alice
client carol alice
check "a configuration file: bob and the server agree" agree bob bob.key
check "a configuration file: carol and the server agree" agree carol carol.key
check "the control socket has mode 600" has_mode 600 "$RUNTIME_DIRECTORY/server.sock"
check "status: the configuration" shows server config server.toml
check "status: both processes" [ "$(value server pid engine_pid | tr '\n' ' ')" = "$server $(engine_of "$server") " ]
engine=$(engine_of "$server")

hang_up()
{
	kill -HUP "$server" && within 10 "$@"
}

keeps "SIGHUP without a change" bob carol -- hang_up reloaded 0 0 0 2
check "SIGHUP without a change: the log says so" reloaded 0 0 0 2
keeps "reload without a change" bob carol -- reload_to answer
check "reload without a change: the answer" [ "$(reload added removed changed unchanged | tr '\n' ' ')" = "0 0 0 2 " ]

configure alice "$port" bob carol dave
keeps "a peer is added" bob carol -- hang_up reloaded 1 0 0 2
check "a peer is added: the log says so" reloaded 1 0 0 2
client dave alice
check "a peer is added: it and the server agree" agree dave dave.key

configure alice "$port" bob dave
keeps "a peer is removed" bob dave -- hang_up reloaded 0 1 0 2
check "a peer is removed: the log says so" reloaded 0 1 0 2
check "a peer is removed: its key is erased" within 10 erased carol
check "a peer is removed: one line says so" counts 1 ' stale$' server.out
check "a peer is removed: status does not show it" [ "$(value server 'peers.#' peers.0.name peers.1.name | tr '\n' ' ')" = "2 bob dave " ]
cp carol carol.erased
sleep 2
check "a peer is removed: no key of it comes after that" cmp carol carol.erased
configure alice "$port" bob carol dave
check "it comes back: reload takes it" reload
check "it comes back: carol, who has noticed nothing yet, ends with 0" ends TERM "${clients[1]}"
client carol alice
check "it comes back: and it agrees again" agree carol carol.key

sed -i 's/key_out = "dave"/key_out = "dave-too"/' server.toml
keeps "a peer has another file" bob -- hang_up reloaded 0 0 1 2
check "a peer has another file: the log says so" reloaded 0 0 1 2
check "a peer has another file: the session stays" shows server peers.dave.has_key true
configure alice "$port" bob carol dave
check "a peer has its file again" reload

old_port=$port
free_port
configure alice "$port" bob carol dave
keeps "another port" bob carol -- hang_up reloaded 0 0 0 3
check "another port: the new one is open" within 5 holds_port "$port"
check "another port: the old one is not" not holds_port "$old_port"
check "another port: status tells" [ "$(value server 'listen.#' listen.0.address listen.0.open | tr '\n' ' ')" = "1 127.0.0.1:$port true " ]
check "another port: dave ends with 0" ends TERM "${clients[2]}"
cp dave before
client dave alice
check "another port: who calls there is answered" within "$wait_seconds" new_key dave dave.key before

# A port that another program has at this time.
present=$port
free_port
taken=$port
start holder erin listen "127.0.0.1:$taken" peer public-key "$keys/alice.pk" outfile nothing
holder=$pid
within 10 holds_port "$taken"
configure alice "$taken" bob carol dave
keeps "a port that is taken" bob carol dave -- not reload_to answer
check "a port that is taken: the answer says why" \
	grep -qE '"error": ?"listen \\"127.0.0.1:'"$taken"'\\": Address already in use' answer
check "a port that is taken: the old one is still open" \
	[ "$(value server 'listen.#' listen.0.address listen.0.open | tr '\n' ' ')" = "1 127.0.0.1:$present true " ]
check "a port that is taken: the daemon goes on" answers server
check "the other program ends with 0" ends TERM "$holder"
check "a port that was taken: reload takes it" reload
check "a port that was taken: it is opened" within 5 shows server listen.0.open true
cp dave before
check "a port that was taken: dave ends with 0" ends TERM "${clients[4]}"
client dave alice "$taken"
check "a port that was taken: who calls there is answered" within "$wait_seconds" new_key dave dave.key before

# --- settings of the daemon itself ------------------------------------------------------------------------------------

# What an endpoint resolves to is said at the level debug.
cp server.toml before.toml
configure alice "$port" bob carol dave erin:1
sed -i 's/127\.0\.0\.1:1"/localhost:1"/' server.toml
sed 's/Quiet/Verbose/' server.toml >verbose.toml
sed 's/localhost:1"/localhost:2"/' server.toml >quiet.toml
cp before.toml server.toml
cp server.toml plain.toml
check "not verbose: no message of that level" counts 0 'debug: ' server.err
cp verbose.toml server.toml
check "verbose: reload takes it" reload
check "verbose: messages of that level are there" within 20 grep -q 'debug: peer erin: localhost:1 has' server.err
cp quiet.toml server.toml
check "quiet again: reload takes it" reload
# One more round, in which the former name is looked up no more.
sleep 2
lines=$(grep -c 'debug: ' server.err)
check "quiet again: no message of that level" counts 0 'localhost:2 has' server.err
{ echo 'user = "nobody"'; cat plain.toml; } >server.toml
check "another user: reload takes it" reload
check "another user: it is said that it does not count" within 10 \
	counts 1 'warn: reload: the engine process stays as it is; "user" counts from the next start of the daemon on' server.err
check "another user: reload takes it again" reload
check "another user: it is said again" within 10 counts 2 'warn: reload: the engine process stays' server.err
cp plain.toml server.toml
check "the former user: reload takes it" reload
check "the former user: nothing is said" counts 2 'warn: reload: the engine process stays' server.err
check "the same level: nothing more of the other" counts "$lines" 'debug: ' server.err

# --- a configuration that is wrong -----------------------------------------------------------------------------------

# refused WORDS PATTERN: server.toml is refused by the control socket and by SIGHUP, with these words, and nothing changes.
refused()
{
	local words=$1 pattern=$2 lines

	keeps "$words" bob carol dave -- not reload_to answer
	check "$words: the answer says why" grep -qE "\"error\": ?\"$pattern" answer
	lines=$(grep -cE "error: reload: $pattern.*everything stays as it was" server.err)
	kill -HUP "$server"
	check "$words: the log says why" within 10 counts $((lines + 1)) "error: reload: $pattern.*everything stays as it was" server.err
	check "$words: same peers, same socket, same engine process" \
		[ "$(value server 'peers.#' 'listen.#' listen.0.address listen.0.open engine_pid | tr '\n' ' ')" = "3 1 127.0.0.1:$taken true $engine " ]
}

cp server.toml good.toml
lines=$(wc -l <good.toml)
{ cat good.toml; echo 'this is no TOML'; } >server.toml
refused "no TOML" 'server\.toml:'$((lines + 1))'[: ]'
sed 's/key_out = "carol"/kye_out = "carol"/' good.toml >server.toml
refused "an unknown key" "server\\.toml:$(grep -n kye_out server.toml | cut -d : -f 1)[: ].*kye_out.*key_out"
sed 's/^listen = .*/listen = ["127.0.0.1:70000"]/' good.toml >server.toml
refused "a wrong address" 'server\.toml:3[: ].*listen.*65535'
sed "s|^public_key = \"$keys/carol.pk\"|public_key = \"$work/no-such-file\"|" good.toml >server.toml
refused "a key file that is missing" 'peer 2 \(carol\): cannot read public-key file .*no-such-file.*: No such file'
head -c 1000 "$keys/carol.pk" >short.pk
sed "s|^public_key = \"$keys/carol.pk\"|public_key = \"short.pk\"|" good.toml >server.toml
refused "a key file that is too short" 'peer 2 \(carol\): public-key file .*short\.pk.* 1000 bytes'
sed "s|^public_key = \"$keys/carol.pk\"|public_key = \"$keys/bob.pk\"|" good.toml >server.toml
refused "a key of two peers" 'peer 2 \(carol\): public-key file .*bob\.pk'
sed "s|^secret_key = .*|secret_key = \"$work/no-such-file\"|" good.toml >server.toml
refused "a secret key file that is missing" 'cannot read secret-key file .*no-such-file.*: No such file'
sed "s|^secret_key = .*|secret_key = \"$keys/erin.sk\"|" good.toml >server.toml
refused "a secret key of another pair" '.*do not belong together'
rm server.toml
refused "no file at all" '.*server\.toml.*does not exist'
cp good.toml server.toml
keeps "the good file again" bob carol dave -- reload_to answer
check "the good file again: nothing was changed" reloaded 0 0 0 3

# --- peers over the control socket -----------------------------------------------------------------------------------

add='{"command": "peer-add", "words": ["public-key", "'$keys'/erin.pk", "outfile", "'$PWD'/erin", "name", "erin"]}'
check "peer-add" request server "$add" name
check "peer-add: status shows it" shows server peers.erin.at_run_time true
client erin alice "$taken"
check "peer-add: it and the server agree" agree erin erin.key
check "peer-add: not a second time" not request server "$add"
keeps "reload with a peer of the control socket" bob erin -- reload_to answer
check "reload with a peer of the control socket: it stays" shows server peers.erin.at_run_time true
check "peer-remove" [ "$(request server '{"command": "peer-remove", "peer": "erin"}' name)" = erin ]
check "peer-remove: its key is erased" within 10 erased erin
check "peer-remove: nobody of that name any more" not request server '{"command": "peer-remove", "peer": "erin"}'
check "peer-remove: reload" reload
check "peer-remove: it does not come back" shows server 'peers.#' 3
check "the other peers are as before" shows server peers.bob.has_key true
check "all end with 0" ends TERM "$server" "${clients[0]}" "${clients[3]}" "${clients[5]}" "${clients[6]}"

# --- another key pair of our own -------------------------------------------------------------------------------------

in_folder other-keys
clients=()
free_port
configure alice "$port" bob carol
serve
client bob alice
check "before the key pair is another one: bob and the server agree" agree bob bob.key
# Carol knows the key pair to come.
client carol erin
within 10 grep -q info: carol.err
engine=$(engine_of "$server")
cp bob before
configure erin "$port" bob carol
check "another key pair: reload takes it" reload
check "another key pair: another engine process" [ "$(value server engine_pid)" != "$engine" ]
check "another key pair: the old engine process is gone" gone "$engine"
check "another key pair: who knows it agrees" agree carol carol.key
check "another key pair: the port is the same" holds_port "$port"
check "another key pair: who does not know it gets no answer" cmp -s before bob.key
ends TERM "${clients[0]}"
client bob erin
check "another key pair: bob learns of it and agrees" agree bob bob.key
check "another key pair: all end with 0" ends TERM "$server" "${clients[@]:1}"

# What nobody renews becomes stale, whichever engine process it came from. Here a minute is a second.
in_folder other-keys-stale
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=60
clients=()
free_port
configure alice "$port" bob
serve
client bob alice
check "an old session: bob and the server agree" agree bob bob.key
configure erin "$port" bob
check "an old session: reload takes another key pair" reload
check "an old session ends when its key is too old" within 10 erased bob
check "an old session: all end with 0" ends TERM "$server" "${clients[@]}"
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass

# --- a key file that may not be read ---------------------------------------------------------------------------------

# As root every file may be read: then as somebody else.
in_folder unreadable
chmod 777 . "$RUNTIME_DIRECTORY"
other=()
if is_root; then
	other=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
fi
cp "$keys/bob.pk" bob.pk
chmod 644 bob.pk
cp "$keys/alice.sk" alice.sk
is_root && chown 65534 alice.sk
free_port
configure alice "$port" bob
sed -i "s|$keys/bob.pk|bob.pk|; s|$keys/alice.sk|alice.sk|" server.toml
run server "${other[@]}" "$rosenpass" exchange-config server.toml
server=$pid
clients=()
client bob alice
check "before a file may not be read: bob and the server agree" agree bob bob.key
chmod 000 bob.pk
keeps "a file that may not be read" bob -- not reload_to answer
check "a file that may not be read: the answer says so" \
	grep -q 'peer 1 (bob): cannot read public-key file .*bob\.pk.*: Permission denied' answer
chmod 644 bob.pk
check "it may be read again: reload" reload
check "a file that may not be read: all end with 0" ends TERM "$server" "${clients[@]}"

# --- processes that are killed ---------------------------------------------------------------------------------------

in_folder killed
clients=()
free_port
bob_port=$port
free_port
configure alice "$port" "bob:$bob_port"
serve
client bob alice "$port" "$bob_port"
check "before anything is killed: both sides agree" agree bob bob.key
engine=$(engine_of "$server")
kill -KILL "$engine"
check "the engine process is killed: the daemon ends with 1 within five seconds" bash -c "$(declare -f within gone); within 5 gone $server"
check "the engine process is killed: the status is 1" exits 1 "$server"
check "the engine process is killed: it is said" \
	counts 1 'error: the engine process was ended by signal 9 \(Killed\); ending' server.err
check "the engine process is killed: no control socket is left" [ ! -e "$RUNTIME_DIRECTORY/server.sock" ]

cp bob before
serve
check "the next start: both sides agree on a new key" within "$wait_seconds" new_key bob bob.key before
engine=$(engine_of "$server")
check "there is an engine process" [ -n "$engine" ]
{ kill -KILL "$server" && wait "$server"; } 2>/dev/null
check "the monitor process is killed: the engine process ends within five seconds" within 5 gone "$engine"
# Its log goes through the monitor process, which is gone.
check "the monitor process is killed: nothing else is said" counts 0 'engine: ' server.err
check "the monitor process is killed: its socket is left" [ -S "$RUNTIME_DIRECTORY/server.sock" ]
check "and nobody answers there" not answers server
cp bob before
serve
check "the next start: the control socket works" within 10 answers server
check "the next start: both sides agree on a new key" within "$wait_seconds" new_key bob bob.key before
check "the next start: no word about the socket" not grep -qE 'warn|error' server.err

start second carol peer public-key "$keys/bob.pk" outfile second
second=$pid
run server-again "$rosenpass" exchange --name server public-key "$keys/carol.pk" secret-key "$keys/carol.sk" \
	peer public-key "$keys/bob.pk" outfile again
again=$pid
check "a second daemon of that name: it says that the socket is taken" within 10 grep -q 'warn: .*server' server-again.err
check "a second daemon of that name: it works" within 10 grep -q 'info: exchanging' server-again.err
check "a second daemon of that name: the first one answers" [ "$(value server pid)" = "$server" ]
check "a second daemon of that name: it says what to do" grep -q 'another daemon has it; --name gives' server-again.err
check "a second daemon of that name: both end with 0" ends TERM "$again" "$second"
check "the lock of the first one is still there" [ -f "$RUNTIME_DIRECTORY/server.sock.lock" ]
check "a second daemon of that name: the first one answers still" [ "$(value server pid)" = "$server" ]

kill -STOP "$(engine_of "$server")"
check "the engine process hangs: the daemon ends with 0 all the same" ends TERM "$server"
check "the engine process hangs: it is said" grep -q 'warn: the engine process does not end when asked; killing it' server.err

for signal in TERM INT QUIT; do
	serve
	check "it works before SIG$signal" within 10 answers server
	engine=$(engine_of "$server")
	check "SIG$signal: it ends with 0" ends "$signal" "$server"
	check "SIG$signal: no engine process is left" gone "$engine"
	check "SIG$signal: no socket is left" [ ! -e "$RUNTIME_DIRECTORY/server.sock" ]
	check "SIG$signal: no lock is left" [ ! -e "$RUNTIME_DIRECTORY/server.sock.lock" ]
	check "SIG$signal: the key stays" is_base64_key bob
	check "SIG$signal: nothing was wrong" not grep -qE 'warn|error' server.err
	# As a service manager and a terminal do it.
	serve
	within 10 answers server
	engine=$(engine_of "$server")
	kill -s "$signal" "$engine" "$server"
	check "SIG$signal to both processes: it ends with 0" exits 0 "$server"
	check "SIG$signal to both processes: no engine process is left" gone "$engine"
	check "SIG$signal to both processes: nothing was wrong" not grep -qE 'warn|error' server.err
done
check "bob ends with 0" ends TERM "${clients[@]}"

# --- a storm of restarts ---------------------------------------------------------------------------------------------

in_folder storm
clients=()
free_port
bob_port=$port
free_port
configure alice "$port" "bob:$bob_port"
serve
# A signal that comes before the shell's child has become the program is lost with the shell's handler.
is_program()
{
	[ "$(cat "/proc/$1/comm")" != bash ]
}
for ((i = 1; i <= 20; i++)); do
	client bob alice "$port" "$bob_port"
	within 5 is_program "$pid"
	# Some live long enough for a key, some do not even open a socket.
	sleep "0.$((i * 7 % 5))$((i * 3 % 10))"
	signal=TERM
	[ $((i % 3)) -ne 0 ] || signal=KILL
	{ kill -s "$signal" "$pid" && wait "$pid"; } 2>/dev/null
done
client bob alice "$port" "$bob_port"
check "twenty restarts of the client: both sides agree" agree bob bob.key
cp bob before
for ((i = 1; i <= 20; i++)); do
	{ kill -TERM "$server" && wait "$server"; } 2>/dev/null
	serve
	within 5 is_program "$server"
	sleep "0.$((i * 7 % 5))$((i * 3 % 10))"
done
check "twenty restarts of the server: both sides agree" within "$wait_seconds" new_key bob bob.key before
check "a storm of restarts: all end with 0" ends TERM "$server" "${clients[-1]}"
check "a storm of restarts: no engine process is left" [ -z "$(children $$ | while read -r child; do engine_now "$child"; done)" ]

# --- nothing grows ---------------------------------------------------------------------------------------------------

# Four clients; two minutes are three seconds. Between renewal and expiry is a minute, a second and a half here: enough for
# a machine that is busy with other tests.
in_folder growth
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=40
renice -n -10 $$ >/dev/null 2>&1
clients=()
free_port
configure alice "$port" bob carol dave erin
serve
for name in bob carol dave erin; do
	client "$name" alice
done
exchanged()
{
	[ "$(grep -c ' exchanged$' server.out)" -ge "$1" ]
}
check "four clients: twenty exchanges" within 60 exchanged 20
engine=$(engine_of "$server")
# What it takes to answer is not given back, and counts from the beginning.
answers server >/dev/null
before="$(descriptors "$server") $(descriptors "$engine")"
memory_server=$(resident "$server")
memory_engine=$(resident "$engine")
check "four clients: a hundred more" within 180 exchanged 120
if is_root; then
	check "descriptors of both processes: as many as before" \
		[ "$(descriptors "$server") $(descriptors "$engine")" = "$before" ]
else
	skip "descriptors: needs root"
fi
check "memory of the monitor: $memory_server KiB, then $(resident "$server")" [ "$(resident "$server")" -le $((memory_server + 128)) ]
check "memory of the engine: $memory_engine KiB, then $(resident "$engine")" [ "$(resident "$engine")" -le $((memory_engine + 128)) ]
check "no key became stale" not grep -q ' stale$' server.out
check "growth: all end with 0" ends TERM "$server" "${clients[@]}"

finish
