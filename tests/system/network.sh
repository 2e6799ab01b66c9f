#!/usr/bin/env bash
# usage: network.sh ROSENPASS ROSENPASS_FAST ASK RELAY
# Daemons on networks that behave as real ones do: several addresses, both families, losses, addresses that change,
# names and links that come late. Needs root and network namespaces; else it is skipped (77). The last
# line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"

# It works in namespaces of its own, which end with it whatever ends it: networks, mounts and processes.
if [ "${1-}" != inside ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "skipped: network namespaces need root"
		exit 77
	fi
	own=(unshare --net --mount --pid --fork --kill-child --mount-proc)
	if ! command -v ip >/dev/null || ! "${own[@]}" bash -c 'mount -t tmpfs tmpfs /run && ip netns add one &&
		ip link add up type veth peer name down netns one && ip link add bridge type bridge' 2>/dev/null; then
		echo "skipped: this system has no namespaces with virtual links (unshare, ip, veth, bridge)"
		exit 77
	fi
	exec "${own[@]}" bash "$root/tests/system/network.sh" inside "$@"
fi
shift
# shellcheck source=common.bash
source "$root/tests/system/common.bash"
mount -t tmpfs tmpfs /run || exit 1

program "$1" rosenpass
rosenpass=$program
program "$2" rosenpass_fast
fast=$program
ask=$(absolute "$3")
relay=$(absolute "$4")

# Where names are looked up here: in a file of ours. The rest of /etc is as it was.
mkdir "$work/etc"
for file in passwd group ld.so.cache ld.so.conf localtime; do
	cp -aL "/etc/$file" "$work/etc" 2>/dev/null
done
echo 'hosts: files' >"$work/etc/nsswitch.conf"
echo 'multi on' >"$work/etc/host.conf"
echo '127.0.0.1 localhost' >"$work/etc/hosts"
mount --bind "$work/etc" /etc || exit 1

has_ipv6=false
[ ! -e /proc/net/if_inet6 ] || has_ipv6=true
ip link set lo up

# host NAME: a namespace of its own.
host()
{
	ip netns add "$1" && ip -n "$1" link set lo up || exit 1
}

# link HOST NAME HOST NAME: a cable between two interfaces, not yet up.
link()
{
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" || exit 1
}

# address HOST NAME ADDRESS...: the interface is up, with these, which are good at once.
address()
{
	local host=$1 name=$2 word

	shift 2
	ip -n "$host" link set "$name" up
	for word in "$@"; do
		case $word in
		*:*) ip -n "$host" address add "$word" dev "$name" nodad ;;
		*) ip -n "$host" address add "$word" dev "$name" ;;
		esac
	done
}

# drop HOST...: nothing of them is left, processes above all.
drop()
{
	local name

	for name in "$@"; do
		[ -z "$(ip netns pids "$name")" ] && ip netns delete "$name" || return 1
	done
}

# start_at HOST NAME OWNER WORD...: a daemon there.
start_at()
{
	local host=$1 name=$2 owner=$3

	shift 3
	run "$name" ip netns exec "$host" "$rosenpass" exchange --name "$name" \
		public-key "$keys/$owner.pk" secret-key "$keys/$owner.sk" "$@"
}

# both_end WORDS PID...
both_end()
{
	local words=$1

	shift
	check "$words: all end with 0" ends TERM "$@"
}

# --- two hosts, one cable --------------------------------------------------------------------------------------------

host left
host right
link left wire right wire
address left wire 10.1.0.1/24 10.1.0.9/24 fd01::1/64 fd01::9/64 fe80::a/64
address right wire 10.1.0.2/24 fd01::2/64 fe80::b/64

# pair WORDS LISTEN ENDPOINT PATTERN: they agree, and the caller has heard its answers from the address it asked.
pair()
{
	local words=$1 listen=$2 endpoint=$3 pattern=$4 first

	in_folder "pair-$((++pairs))"
	start_at left server alice listen "$listen" peer public-key "$keys/bob.pk" outfile a
	first=$pid
	start_at right client bob peer public-key "$keys/alice.pk" endpoint "$endpoint" outfile b
	check "$words: both sides agree" agree a b
	check "$words: the answers leave from where was asked" within 5 shows client peers.0.address "$pattern"
	both_end "$words" "$first" "$pid"
}
pairs=0

pair "IPv4" 10.1.0.1:9999 10.1.0.1:9999 '10\.1\.0\.1:9999'
pair "IPv4, the second address of the server" 0.0.0.0:9999 10.1.0.9:9999 '10\.1\.0\.9:9999'
pair "an IPv4 address as one of IPv6" 0.0.0.0:9999 '[::ffff:10.1.0.1]:9999' '10\.1\.0\.1:9999'
if $has_ipv6; then
	pair "IPv6" '[fd01::1]:9999' '[fd01::1]:9999' '\[fd01::1\]:9999'
	pair "IPv6, the second address of the server" '[::]:9999' '[fd01::9]:9999' '\[fd01::9\]:9999'
	pair "a link-local address" '[::]:9999' '[fe80::a%wire]:9999' '\[fe80::a%wire\]:9999'
	pair "a link-local address, listened at" '[fe80::a%wire]:9999' '[fe80::a%wire]:9999' '\[fe80::a%wire\]:9999'

	in_folder both-families
	start_at left server alice listen '[::]:9999' listen 0.0.0.0:9999 \
		peer public-key "$keys/bob.pk" outfile a peer public-key "$keys/carol.pk" outfile c
	all=("$pid")
	start_at right client bob peer public-key "$keys/alice.pk" endpoint 10.1.0.1:9999 outfile b
	all+=("$pid")
	start_at right other carol peer public-key "$keys/alice.pk" endpoint '[fd01::1]:9999' outfile d
	all+=("$pid")
	check "both families on one port: a peer of IPv4" agree a b
	check "both families on one port: a peer of IPv6" agree c d
	check "two peers, two keys" not same_key a c
	check "the server knows the first by IPv4" within 5 shows server peers.0.address '10\.1\.0\.2:[0-9]+'
	check "the server knows the second by IPv6" within 5 shows server peers.1.address '\[fd01::2\]:[0-9]+'
	both_end "both families on one port" "${all[@]}"
else
	skip "IPv6: this system has none"
fi

in_folder taken
start_at left holder alice listen 10.1.0.1:9999 peer public-key "$keys/bob.pk" outfile a
holder=$pid
check "one holds the port" within 10 grep -q 'info: exchanging' holder.err
start_at left second carol listen 10.1.0.1:9999 peer public-key "$keys/bob.pk" outfile c
check "a port that is taken: another ends with 1" exits 1 "$pid"
check "a port that is taken: it says so in one line" counts 1 '' second.err
check "a port that is taken: the line names it" \
	grep -q '^rosenpass: error: listen "10.1.0.1:9999": Address already in use' second.err
check "who has the port goes on" kill -0 "$holder"
both_end "a port that is taken" "$holder"

# --- a name that comes late, an endpoint of several addresses --------------------------------------------------------

in_folder late-name
start_at left server alice listen 10.1.0.1:9999 peer public-key "$keys/bob.pk" outfile a
first=$pid
start_at right client bob peer public-key "$keys/alice.pk" endpoint server.test:9999 outfile b
check "a name that is not there: it is said" within 10 grep -q 'warn: peer 1: endpoint "server.test:9999": ' client.err
check "a name that is not there: status tells" within 5 shows client peers.0.resolve_error '.*[Nn]ame.*'
check "a name that is not there: no address" shows client peers.0.addresses '\[\]'
sleep 2
echo '10.1.0.1 server.test' >>/etc/hosts
check "the name comes: both sides agree within the pause of 10 seconds" within 15 same_key a b
check "the name comes: it is said once" counts 1 'info: peer 1: endpoint "server.test:9999" resolves now' client.err
check "the name comes: status tells" shows client peers.0.resolve_error null
check "the name was complained about once" counts 1 'server.test.*trying again' client.err
both_end "a name that comes late" "$first" "$pid"

# The first address is that of nobody on the cable, the second of a network without a way, the third is right.
in_folder several
cat >>/etc/hosts <<'END'
10.1.0.200 several.test
10.99.0.1 several.test
10.1.0.1 several.test
END
start_at left server alice listen 10.1.0.1:9999 peer public-key "$keys/bob.pk" outfile a
first=$pid
start_at right client bob peer public-key "$keys/alice.pk" endpoint several.test:9999 outfile b
check "an endpoint of three addresses, one of them right: both sides agree" agree a b
check "an endpoint of three addresses: the right one is kept" shows client peers.0.address '10\.1\.0\.1:9999'
check "an endpoint of three addresses: status shows all" shows client 'peers.0.addresses.#' 3
both_end "an endpoint of three addresses" "$first" "$pid"

# --- roaming: two minutes are six seconds ----------------------------------------------------------------------------

in_folder roaming
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=20
start_at left server alice listen 0.0.0.0:9999 peer public-key "$keys/bob.pk" outfile a
first=$pid
start_at right client bob listen 0.0.0.0:9999 peer public-key "$keys/alice.pk" endpoint 10.1.0.1:9999 outfile b
check "roaming: both sides agree" agree a b
check "roaming: the server knows where the client is" within 5 shows server peers.0.address '10\.1\.0\.2:9999'
cp a before
ip -n right address delete 10.1.0.2/24 dev wire
ip -n right address add 10.1.0.77/24 dev wire
check "the client's address changes: another key" within 20 new_key a b before
check "the client's address changes: the server knows" within 10 shows server peers.0.address '10\.1\.0\.77:9999'
cp a before
ip -n left address flush dev wire
address left wire 10.1.0.88/24
check "the server's address changes: another key" within 20 new_key a b before
check "the server's address changes: the client knows" within 10 shows client peers.0.address '10\.1\.0\.88:9999'
check "roaming: no key became stale" not grep -q stale server.out client.out
both_end "roaming" "$first" "$pid"
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass
check "two hosts: nothing is left there" drop left right

# --- twenty daemons --------------------------------------------------------------------------------------------------

in_folder twenty
host middle
ip -n middle link add bridge type bridge
ip -n middle link set bridge up
ip -n middle address add 10.2.0.100/24 dev bridge
words=()
for ((i = 1; i <= 19; i++)); do
	host "h$i"
	link middle "to$i" "h$i" wire
	ip -n middle link set "to$i" master bridge up
	address "h$i" wire "10.2.0.$i/24"
	"$rosenpass" gen-keys -p "$keys/h$i.pk" -s "$keys/h$i.sk" || exit 1
	words+=(peer public-key "$keys/h$i.pk" outfile "hub-$i")
done
start_at middle hub alice listen 0.0.0.0:9999 "${words[@]}"
all=("$pid")
for ((i = 1; i <= 19; i++)); do
	start_at "h$i" "client-$i" "h$i" peer public-key "$keys/alice.pk" endpoint 10.2.0.100:9999 outfile "key-$i"
	all+=("$pid")
done
all_agree()
{
	local i

	for ((i = 1; i <= 19; i++)); do
		same_key "hub-$i" "key-$i" || { echo "not $i"; return 1; }
	done
}
check "twenty daemons: the hub agrees with each" within 60 all_agree
check "twenty daemons: nineteen keys" [ "$(cat key-* | fold -w 44 | sort -u | wc -l)" -eq 19 ]
knows_each()
{
	local i

	for ((i = 1; i <= 19; i++)); do
		shows hub "peers.$((i - 1)).address" "10\.2\.0\.$i:[0-9]+" || return 1
	done
}
check "twenty daemons: the hub knows where each is" within 5 knows_each
both_end "twenty daemons" "${all[@]}"
check "twenty daemons: nothing is left there" drop middle h{1..19}

# --- bad networks ----------------------------------------------------------------------------------------------------

# Here without the kernel's help: a relay that loses, doubles, delays and reorders.
bad_relay()
{
	local seed=$1 first second

	in_folder "relay-$seed"
	start server alice listen 127.0.0.1:9999 peer public-key "$keys/bob.pk" outfile a
	first=$pid
	run relay "$relay" 9998 9999 30 10 40 80 "$seed"
	second=$pid
	start client bob peer public-key "$keys/alice.pk" endpoint 127.0.0.1:9998 outfile b
	check "a third is lost, some come twice, late or in another order ($seed): both sides agree" within 60 same_key a b
	both_end "a bad network" "$first" "$pid" "$second"
}
for seed in 1 2 3; do
	bad_relay "$seed"
done

# Hours of it: a minute is a second.
in_folder relay-long
rosenpass=$fast
export ROSENPASS_TEST_CLOCK_SCALE=60
start server alice listen 127.0.0.1:9999 peer public-key "$keys/bob.pk" outfile a
first=$pid
run relay "$relay" 9998 9999 30 10 1 3 4
second=$pid
start client bob peer public-key "$keys/alice.pk" endpoint 127.0.0.1:9998 outfile b
renewed()
{
	[ "$(grep -c exchanged server.out)" -ge 10 ] && [ "$(grep -c exchanged client.out)" -ge 10 ]
}
check "a third is lost, again and again: ten renewals" within 90 renewed
check "a third is lost, again and again: both sides agree" agree a b
check "a third is lost, again and again: no key became stale" not grep -q stale server.out client.out
both_end "a third is lost, again and again" "$first" "$pid" "$second"
check "the relay did what it was asked for" bash -c 'read -r _ taken _ lost _ doubled _ overtaken <relay.out &&
	[ "$taken" -ge 20 ] && [ "$lost" -ge $((taken / 6)) ] && [ "$lost" -le $((taken / 2)) ] &&
	[ "$doubled" -ge 1 ] && [ "$overtaken" -ge 0 ]'
unset ROSENPASS_TEST_CLOCK_SCALE
rosenpass=$work/rosenpass

host left
host right
link left wire right wire
address left wire 10.1.0.1/24
address right wire 10.1.0.2/24
if ip netns exec left tc qdisc add dev wire root netem loss 30% delay 20ms 15ms reorder 25% duplicate 10% 2>/dev/null &&
	ip netns exec right tc qdisc add dev wire root netem loss 30% delay 20ms 15ms reorder 25% duplicate 10%; then
	in_folder netem
	start_at left server alice listen 10.1.0.1:9999 peer public-key "$keys/bob.pk" outfile a
	first=$pid
	start_at right client bob peer public-key "$keys/alice.pk" endpoint 10.1.0.1:9999 outfile b
	check "netem, 30 % lost each way: both sides agree" within 60 same_key a b
	both_end "netem" "$first" "$pid"
else
	skip "netem: this kernel has none (sch_netem)"
fi
check "bad networks: nothing is left there" drop left right

# --- networks that come late -----------------------------------------------------------------------------------------

host left
host right
in_folder no-network
start_at left server alice listen 0.0.0.0:9999 peer public-key "$keys/bob.pk" outfile a
first=$pid
start_at right client bob peer public-key "$keys/alice.pk" endpoint 10.1.0.1:9999 outfile b
check "no network: it starts" within 10 grep -q 'info: exchanging' client.err
check "no network: status tells what is wrong" within 10 shows client peers.0.last_error '.*[Nn]etwork is unreachable.*'
check "no network: it is said, not again and again" \
	bash -c 'sleep 10; lines=$(grep -ciE "unreachable|cannot send" client.err); [ "$lines" -ge 1 ] && [ "$lines" -le 3 ]'
# By now it tries every ten seconds, and nothing else than news of the network makes it try earlier.
link left wire right wire
address left wire 10.1.0.1/24
address right wire 10.1.0.2/24
check "the network comes: both sides agree within three seconds" within 3 same_key a b
check "the network came: status has no error any more" within 5 shows client peers.0.last_error null
both_end "a network that comes late" "$first" "$pid"

in_folder late-interface
listens=(listen 10.7.0.1:9999)
$has_ipv6 && listens+=(listen '[fe80::7%late]:9998')
start_at left server alice "${listens[@]}" peer public-key "$keys/bob.pk" outfile a \
	peer public-key "$keys/carol.pk" outfile c
first=$pid
start_at right client bob peer public-key "$keys/alice.pk" endpoint 10.7.0.1:9999 outfile b
second=$pid
check "an interface that is not there: the daemon starts" within 10 grep -q 'info: exchanging' server.err
check "an interface that is not there: it is said" \
	counts 1 'warn: listen "10.7.0.1:9999": Cannot assign requested address; trying again' server.err
check "an interface that is not there: status tells" shows server listen.0.open false
check "an interface that is not there: status tells why" shows server listen.0.error 'Cannot assign requested address'
sleep 6
link left late right late
address left late 10.7.0.1/24 fe80::7/64
address right late 10.7.0.2/24
check "the interface comes: status tells within three seconds" within 3 shows server listen.0.open true
check "the interface came: no error any more" shows server listen.0.error null
check "the interface came: where it listens" shows server listen.0.address '10\.7\.0\.1:9999'
check "the interface came: both sides agree" agree a b
if $has_ipv6; then
	start_at right other carol peer public-key "$keys/alice.pk" endpoint '[fe80::7%late]:9998' outfile d
	check "an address of that interface's own: both sides agree" agree c d
	both_end "an address of that interface's own" "$pid"
fi
both_end "an interface that comes late" "$first" "$second"
check "late networks: nothing is left there" drop left right

# --- the end ---------------------------------------------------------------------------------------------------------

check "no namespace is left" [ -z "$(ip netns list)" ]
check "no control socket is left" [ -z "$(ls -A "$RUNTIME_DIRECTORY")" ]
# In this namespace of processes there are ourselves and whoever looks.
no_daemon()
{
	! grep -l '^rosenpass' /proc/[0-9]*/comm 2>/dev/null
}
check "no daemon is left" no_daemon

finish
