#!/usr/bin/env bash
# usage: systemd.sh BUILD_ROOT VARY_KEYS
# The systemd units, started by a systemd that is process 1 of a small Debian or Ubuntu in namespaces: interfaces that come
# and go, names with a dash, credentials, boot, reload, restart, stop. The root file system is made with mmdebstrap and kept in
# the build directory for a week. The last line is "N passed, N failed"; without what it needs it exits 77.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

build_root=$(readlink -f "$(absolute "$1")")
vary_keys=$(absolute "$2")
machine=$work/root
packages=systemd,udev,dbus,wireguard-tools,wireguard-go,iproute2,kmod,iputils-ping,libsodium23,libseccomp2,libjansson4
release=
components=
cgroups=
unshare=
init=

no_systemd()
{
	echo "SKIP  systemd: $*"
	exit 77
}

before_clean_up()
{
	shut_down
}

# --- a machine of its own --------------------------------------------------------------------------------------------

# suite: sets release and components to what this machine has, where the build runs, or to Debian 12.
suite()
{
	release=$(. /etc/os-release && [[ $ID == debian || $ID == ubuntu ]] && echo "${VERSION_CODENAME:-}") || release=
	release=${release:-bookworm}
	components=main
	! grep -qx 'ID=ubuntu' /etc/os-release || components=main,universe
}

make_root()
{
	local kept=$build_root/systemd-base-$release.tar

	# That of all builds where there is one, as scripts/test.sh removes build/NAME.
	[[ $build_root != "$root"/build/* ]] || kept=$root/build/systemd-base-$release.tar
	if [ -z "$(find "$kept" -mtime -7 -size +1M 2>/dev/null)" ]; then
		mmdebstrap --variant=minbase --format=tar --include="$packages" \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' \
			--components="$components" "$release" "$work/base.tar" >"$work/mmdebstrap.log" 2>&1 </dev/null ||
			no_systemd "no root file system: $(grep '^E:' "$work/mmdebstrap.log" | tail -n 1 | cut -c 1-200)"
		mv "$work/base.tar" "$kept"
	fi
	mkdir "$machine" && tar --extract --file "$kept" --directory "$machine" || exit 1
	DESTDIR=$machine meson install -C "$build_root" --no-rebuild >"$work/install.log" 2>&1 || {
		tail "$work/install.log"
		exit 1
	}
	chroot "$machine" ldconfig
	chroot "$machine" rosenpass --version >"$work/version" 2>&1 ||
		no_systemd "this build does not run on $release: $(tail -n 1 "$work/version")"
	# There is no terminal.
	ln -s /dev/null "$machine/etc/systemd/system/console-getty.service"
}

# Runs in new namespaces; systemd follows.
cat >"$work/boot" <<'END'
set -e
machine=$1
mount --make-rprivate /
mount --bind "$machine" "$machine"
mount -t proc proc "$machine/proc"
mount -t sysfs sysfs "$machine/sys"
mount -t cgroup2 cgroup2 "$machine/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$machine/dev"
mount -t tmpfs -o mode=755 tmpfs "$machine/run"
mount -t tmpfs tmpfs "$machine/tmp"
mkdir "$machine/dev/net" "$machine/dev/shm" "$machine/dev/pts"
for device in null zero full random urandom tty net/tun; do
	touch "$machine/dev/$device"
	mount --bind "/dev/$device" "$machine/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$machine/dev/pts"
ln -s pts/ptmx "$machine/dev/ptmx"
ln -s /proc/self/fd "$machine/dev/fd"
for link in 0:stdin 1:stdout 2:stderr; do
	ln -s "fd/${link%:*}" "$machine/dev/${link#*:}"
done
# systemd looks for devices only where there is a udev, or a /dev of the kernel's own.
mkdir "$machine/run/udev"
touch "$machine/run/udev/control"
hostname rosenpass-test
ip link set lo up
cd "$machine"
mkdir -p old
pivot_root . old
umount -l /old
# Credentials are mounts that services have to see.
mount --make-rshared /
exec env -i container=rosenpass-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no \
	--log-target=journal --unit=multi-user.target
END

# start_up: boots; the process id of systemd in $init.
start_up()
{
	(
		echo 0 >"$cgroups/cgroup.procs" &&
			exec unshare --pid --mount --net --uts --ipc --cgroup --fork --kill-child bash "$work/boot" "$machine"
	) >>"$work/console" 2>&1 </dev/null &
	unshare=$!
	within 10 has_init && within 60 is_up
}

has_init()
{
	init=$(children "$unshare" | head -n 1)
	[ -n "$init" ] && [ "$(cat "/proc/$init/comm" 2>/dev/null)" = systemd ]
}

is_up()
{
	[[ $(inside systemctl is-system-running 2>/dev/null) == @(running|degraded) ]]
}

shut_down()
{
	if [ -n "$unshare" ]; then
		kill -KILL "$unshare" 2>/dev/null && wait "$unshare" 2>/dev/null
	fi
	[ -z "$cgroups" ] || within 10 remove_cgroups 2>/dev/null
}

remove_cgroups()
{
	find "$cgroups" -depth -type d -exec rmdir {} + && cgroups=
}

# inside COMMAND...: on that machine.
inside()
{
	nsenter -t "$init" -a env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# --- what is needed --------------------------------------------------------------------------------------------------

is_root || no_systemd "only root can start one"
for tool in mmdebstrap:mmdebstrap nsenter:util-linux unshare:util-linux meson:meson ip:iproute2; do
	command -v "${tool%:*}" >/dev/null || no_systemd "there is no ${tool%:*} here (Debian: ${tool#*:})"
done
[ -c /dev/net/tun ] || no_systemd "there is no /dev/net/tun"
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroups" ] || no_systemd "there are no control groups of version 2"
cgroups=$cgroups/rosenpass-test-$$
mkdir "$cgroups" 2>/dev/null || { cgroups= && no_systemd "control groups cannot be made here"; }
suite
make_root
start_up || { tail -n 20 "$work/console" && no_systemd "systemd does not start here as process 1 of a namespace"; }
inside ip link add probe type veth peer name probe2
within 10 inside systemctl is-active -q sys-devices-virtual-net-probe.device ||
	no_systemd "its udev hears of no interfaces"
inside ip link del probe

# --- files on that machine -------------------------------------------------------------------------------------------

# make_daemon NAME: its key pair.
make_daemon()
{
	mkdir -p "$machine/etc/rosenpass/$1/peers"
	chroot "$machine" rosenpass gen-keys -p "/etc/rosenpass/$1/pqpk" -s "/etc/rosenpass/$1/pqsk" >/dev/null 2>&1 || exit 1
	chmod 644 "$machine/etc/rosenpass/$1/pqpk"
}

# config NAME [LINE...]: its configuration, and more lines for the only peer, who is the daemon $peer.
config()
{
	local name=$1

	shift
	cat >"$machine/etc/rosenpass/$name.toml" <<-END
		public_key = "/etc/rosenpass/$name/pqpk"
		secret_key = "\${CREDENTIALS_DIRECTORY}/pqsk"
		listen = [$listen]

		[[peers]]
		name = "$peer"
		public_key = "/etc/rosenpass/$peer/pqpk"
	END
	printf '%s\n' "$@" >>"$machine/etc/rosenpass/$name.toml"
}

# drop_in UNIT NAME [LINE...]: lines for its section [Service]; without any the former ones are taken back.
drop_in()
{
	local file=$machine/etc/systemd/system/$1.d/$2.conf

	shift 2
	mkdir -p "${file%/*}"
	if [ $# -gt 0 ]; then
		printf '%s\n' '[Service]' "$@" >"$file"
	else
		rm "$file"
	fi
	inside systemctl daemon-reload
}

# interface NAME: a file for wg-quick; its peer's key in $wireguard_peer.
interface()
{
	wireguard_peer=$(chroot "$machine" sh -c 'wg genkey | wg pubkey')
	cat >"$machine/etc/wireguard/$1.conf" <<-END
		[Interface]
		PrivateKey = $(chroot "$machine" wg genkey)

		[Peer]
		PublicKey = $wireguard_peer
	END
	chmod 600 "$machine/etc/wireguard/$1.conf"
}

active()
{
	inside systemctl is-active -q "$@"
}

# main_pid UNIT: the process id of a service as that machine counts.
main_pid()
{
	inside systemctl show --property=MainPID --value "$1"
}

# restarted UNIT PID: another process runs as the service now.
restarted()
{
	active "$1" && [ "$(main_pid "$1")" != "$2" ]
}

wireguard_key()
{
	inside wg show "$1" preshared-keys | cut -f 2
}

# has_key INTERFACE FILE: the only peer of the interface has the key in the file.
has_key()
{
	local key

	key=$(inside cat "$2") && [ "${#key}" -eq 44 ] && [ "$(wireguard_key "$1")" = "$key" ]
}

# status_of NAME PATTERN: whether it is in what rosenpass status says.
status_of()
{
	inside rosenpass status "$1" | grep -qE "$2"
}

# journal UNIT: what it has said; for messages.
journal()
{
	inside journalctl --no-pager --output=cat --lines=20 --unit="$1"
}

mkdir -p "$machine/etc/wireguard"
drop_in wg-quick@.service userspace 'Environment=WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go'
# The socket of WireGuard in user space is root's alone.
drop_in rosenpass@.service userspace AmbientCapabilities=CAP_DAC_OVERRIDE CapabilityBoundingSet=CAP_DAC_OVERRIDE
for daemon in wg0 wg-home office; do
	make_daemon "$daemon"
done

# --- an interface and its daemon -------------------------------------------------------------------------------------

# A daemon that root has started makes the directory in which those of services are.
inside sh -c 'umask 077 && timeout 2 rosenpass exchange public-key /etc/rosenpass/wg0/pqpk secret-key /etc/rosenpass/wg0/pqsk' >/dev/null 2>&1
check "root's daemon makes a directory" inside test -d /var/lib/rosenpass
# The other side has its keys in files. The port is one that not every user may have.
interface wg0
listen='"127.0.0.1:443"' peer=office config wg0 'device = "wg0"' "peer = \"$wireguard_peer\"" \
	'key_out = "/run/rosenpass/wg0/office"'
listen='' peer=wg0 config office 'endpoint = "127.0.0.1:443"' 'key_out = "/run/rosenpass/office/wg0"'
check "all are enabled and started" inside systemctl enable --now wg-quick@wg0 rosenpass@wg0 rosenpass-keys@office
check "the daemon of an interface runs" active rosenpass@wg0
check "the daemon without an interface runs" active rosenpass-keys@office
check "the interface has the key of the other side" within "$wait_seconds" has_key wg0 /run/rosenpass/office/wg0
check "the file has the same" has_key wg0 /run/rosenpass/wg0/office
check "a service gets at the file of its peers" not grep -q 'state file' <(journal rosenpass-keys@office)
check "the service is a user that was made up for it" inside grep -qE '^Uid:	6[1-5][0-9]{3}' "/proc/$(main_pid rosenpass@wg0)/status"
check "the secret key was handed to it" inside test -f /run/credentials/rosenpass@wg0.service/pqsk
for directory in run var/lib; do
	check "its directory in /$directory is closed to others" [ "$(inside stat -L -c %a "/$directory/rosenpass/wg0")" = 700 ]
done
no_capabilities()
{
	local engine

	engine=$(inside sh -c "grep -lx rosenpass-net /proc/[0-9]*/comm" | cut -d / -f 3 | head -n 1)
	inside grep -qE '^CapEff:	0+$' "/proc/$engine/status"
}
check "the process that reads from the network has no capability" no_capabilities

# --- the interface comes and goes ------------------------------------------------------------------------------------

before=$(main_pid rosenpass@wg0)
check "the interface is made again" inside systemctl restart wg-quick@wg0
check "the interface is made again: so is its daemon" within 15 restarted rosenpass@wg0 "$before"
# The other side would call two minutes after the last time.
check "the interface is made again: the other side calls" inside systemctl restart rosenpass-keys@office
check "the interface is made again: it has the key" within "$wait_seconds" has_key wg0 /run/rosenpass/office/wg0
check "the interface goes" inside systemctl stop wg-quick@wg0
check "the interface goes: its daemon as well" within 15 not active rosenpass@wg0
check "the interface goes: the other daemon stays" active rosenpass-keys@office
check "the interface comes back" inside systemctl start wg-quick@wg0
check "the interface comes back: its daemon as well" within 15 active rosenpass@wg0
# It is there again before the daemon has stopped.
drop_in rosenpass@.service slow 'ExecStopPost=sleep 3'
before=$(main_pid rosenpass@wg0)
check "a daemon that stops slowly: the interface is made again" inside systemctl restart wg-quick@wg0
check "a daemon that stops slowly: it is back" within 15 restarted rosenpass@wg0 "$before"
drop_in rosenpass@.service slow
# Somebody else's service of the same interface, by each of its names, and one that needs it.
for other in BindsTo=sys-devices-virtual-net-wg0.device BindsTo=sys-subsystem-net-devices-wg0.device \
	Requires=sys-devices-virtual-net-wg0.device; do
	printf '%s\n' '[Unit]' "$other" "After=${other#*=}" '[Service]' 'ExecStart=sleep infinity' \
		>"$machine/etc/systemd/system/other-${other%%=*}-${other:(-20):3}.service"
done
others=$(cd "$machine/etc/systemd/system" && echo other-*.service)
# shellcheck disable=SC2086
others_run()
{
	sleep 1
	[ "$(inside systemctl show --property=MainPID --value $others)" = "$others_before" ]
}
# shellcheck disable=SC2086
check "other services of the interface are started" inside systemctl start $others
# shellcheck disable=SC2086
others_before=$(inside systemctl show --property=MainPID --value $others)
check "the daemon is restarted" inside systemctl restart rosenpass@wg0
check "the daemon is restarted: other services of the interface run on" others_run
check "the daemon is stopped" inside systemctl stop rosenpass@wg0
check "the daemon is stopped: the interface stays" inside ip link show wg0
check "the daemon is stopped: other services of the interface run on" others_run
check "the daemon is started again" inside systemctl start rosenpass@wg0

# --- names with a dash -----------------------------------------------------------------------------------------------

interface wg-home
listen='' peer=office config wg-home 'device = "wg-home"' "peer = \"$wireguard_peer\""
check "a dash: both are enabled and started" inside systemctl enable --now wg-quick@wg-home rosenpass@wg-home
check "a dash: the daemon runs" active rosenpass@wg-home
check "a dash: status by its name" within 15 status_of wg-home 'wireguard: wg-home'
before=$(main_pid rosenpass@wg-home)
check "a dash: the interface is made again" inside systemctl restart wg-quick@wg-home
check "a dash: so is its daemon" within 15 restarted rosenpass@wg-home "$before"
check "a dash: it is disabled" inside systemctl disable --now rosenpass@wg-home
# The same with the name as systemd-escape writes it; the files are the same.
escaped=$(inside systemd-escape wg-home)
check "an escaped dash: enabled and started" inside systemctl enable --now "rosenpass@$escaped"
check "an escaped dash: the daemon runs" active "rosenpass@$escaped"
check "an escaped dash: its name is the interface's" status_of wg-home 'wireguard: wg-home'
before=$(main_pid "rosenpass@$escaped")
check "an escaped dash: it is reloaded" inside systemctl reload "rosenpass@$escaped"
check "an escaped dash: the interface is made again" inside systemctl restart wg-quick@wg-home
check "an escaped dash: so is its daemon" within 15 restarted "rosenpass@$escaped" "$before"

# --- networkctl ------------------------------------------------------------------------------------------------------

# Without WireGuard in the kernel the interface is of another kind, which makes no difference to its coming and going.
kind=tun
if inside ip link add probe type wireguard 2>/dev/null; then
	inside ip link del probe
	kind=wireguard
fi
make_daemon wg7
listen='' peer=office config wg7 'device = "wg7"' "peer = \"$wireguard_peer\""
check "networkd: it runs" inside systemctl start systemd-networkd
check "networkd: the daemon is enabled" inside systemctl enable rosenpass@wg7
check "networkd: it does not run without its interface" not active rosenpass@wg7
mkdir -p "$machine/etc/systemd/network"
printf '[NetDev]\nName=wg7\nKind=%s\n' "$kind" >"$machine/etc/systemd/network/wg7.netdev"
[ "$kind" = tun ] || printf '[WireGuard]\nPrivateKey=%s\n' "$(chroot "$machine" wg genkey)" >>"$machine/etc/systemd/network/wg7.netdev"
check "networkd: the interface is made" inside networkctl reload
check "networkd: its daemon runs" within 15 active rosenpass@wg7
check "networkd: the interface is deleted" inside networkctl delete wg7
check "networkd: its daemon stops" within 15 not active rosenpass@wg7
rm "$machine/etc/systemd/network/wg7.netdev"
inside systemctl stop systemd-networkd systemd-networkd.socket

# --- reload, crash, watchdog -----------------------------------------------------------------------------------------

before=$(main_pid rosenpass@wg0)
cp "$machine/etc/rosenpass/wg0.toml" "$work/wg0.toml"
printf '\n[[peers]]\nname = "home"\npublic_key = "/etc/rosenpass/wg-home/pqpk"\nkey_out = "/run/rosenpass/wg0/home"\n' \
	>>"$machine/etc/rosenpass/wg0.toml"
check "reload: it is done" inside systemctl reload rosenpass@wg0
check "reload: the new peer is there" status_of wg0 'peer.*: .*home'
check "reload: in the same process" [ "$(main_pid rosenpass@wg0)" = "$before" ]
echo 'nonsense = ' >>"$machine/etc/rosenpass/wg0.toml"
check "reload: a configuration that is wrong is refused" not inside systemctl reload rosenpass@wg0
check "reload: the daemon runs on" [ "$(main_pid rosenpass@wg0)" = "$before" ]
check "reload: the service is not failed" active rosenpass@wg0
cp "$work/wg0.toml" "$machine/etc/rosenpass/wg0.toml"
inside sh -c "kill -KILL $before"
check "a crash: it is started again" within 20 restarted rosenpass@wg0 "$before"
check "a crash: the other side calls" inside systemctl restart rosenpass-keys@office
check "a crash: both sides have a key again" within "$wait_seconds" has_key wg0 /run/rosenpass/office/wg0

# A disk that takes a second for each of eight keys: pipes that are filled slowly.
make_daemon slow
"$vary_keys" "$machine/etc/rosenpass/office/pqpk" 8 "$work" || exit 1
listen='' peer=office config slow 'key_out = "/run/rosenpass/slow/office"'
slow=$machine/etc/rosenpass/slow/peers
for number in {1..8}; do
	mkfifo -m 644 "$slow/$number"
	printf '\n[[peers]]\npublic_key = "/etc/rosenpass/slow/peers/%s"\nkey_out = "/run/rosenpass/slow/%s"\n' \
		"$number" "$number" >>"$machine/etc/rosenpass/slow.toml"
done
# fill: each pipe when it is read, once; a pipe that nobody reads is given up.
fill()
{
	local number

	for number in {1..8}; do
		(
			exec 3<>"$slow/$number"
			timeout 30 head -c 300000 "$work/$number" >&3
			sleep 1
			timeout 30 tail -c +300001 "$work/$number" >&3
		) &
		pids+=("$!")
	done
}
drop_in rosenpass-keys@slow.service slow TimeoutStartSec=4 WatchdogSec=3
fill
check "a slow disk: it starts" inside systemctl start rosenpass-keys@slow
check "a slow disk: it runs" active rosenpass-keys@slow
before=$(main_pid rosenpass-keys@slow)
fill
check "a slow disk: it is reloaded" inside systemctl reload rosenpass-keys@slow
sleep 1
check "a slow disk: it still runs" active rosenpass-keys@slow
check "a slow disk: nobody took it for dead" [ "$(main_pid rosenpass-keys@slow)" = "$before" ]
check "a slow disk: it is stopped" inside systemctl stop rosenpass-keys@slow

# --- the end ---------------------------------------------------------------------------------------------------------

# A command that works on a key when the service is stopped may end its work.
mkdir -m 777 "$machine/srv/hook"
cat >"$machine/srv/hook/command" <<'END'
#!/bin/sh
cat >/dev/null
echo begun >/srv/hook/begun
sleep 3
echo "$ROSENPASS_REASON" >/srv/hook/done
END
chmod 755 "$machine/srv/hook/command"
drop_in rosenpass-keys@office.service hook ReadWritePaths=/srv/hook
listen='' peer=wg0 config office 'endpoint = "127.0.0.1:443"' \
	'key_out = "/run/rosenpass/office/wg0"' 'exchange_command = ["/srv/hook/command"]'
check "stop: it is started with a command" inside systemctl restart rosenpass-keys@office
check "stop: the command runs" within "$wait_seconds" test -e "$machine/srv/hook/begun"
check "stop: the service is stopped" inside systemctl stop rosenpass-keys@office
check "stop: the command has done its work" grep -qx exchanged "$machine/srv/hook/done"
check "stop: the service has not failed" [ "$(inside systemctl show --property=Result --value rosenpass-keys@office)" = success ]
check "stop: its directory is gone" inside test ! -e /run/rosenpass/office
drop_in rosenpass-keys@office.service hook
listen='' peer=wg0 config office 'endpoint = "127.0.0.1:443"' 'key_out = "/run/rosenpass/office/wg0"'

check "a target for all" inside systemctl start rosenpass.target rosenpass-keys@office
before=$(main_pid rosenpass@wg0)
check "a target for all: restarted" inside systemctl restart rosenpass.target
check "a target for all: a daemon as well" within 10 restarted rosenpass@wg0 "$before"
check "a target for all: stopped" inside systemctl stop rosenpass.target
check "a target for all: no daemon runs" not active rosenpass@wg0 rosenpass-keys@office "rosenpass@$escaped"

# --- the machine starts again ----------------------------------------------------------------------------------------

kill -KILL "$unshare"
wait "$unshare" 2>/dev/null
check "the machine starts again" start_up
check "the machine starts again: the daemon of an interface runs" within 20 active rosenpass@wg0
check "the machine starts again: the one with a dash" within 20 active "rosenpass@$escaped"
check "the machine starts again: the one without an interface" within 20 active rosenpass-keys@office
check "the machine starts again: both sides have a key" within "$wait_seconds" has_key wg0 /run/rosenpass/office/wg0
check "the machine starts again: nothing has failed" [ -z "$(inside systemctl --failed --plain --no-legend | grep rosenpass)" ]

# --- rp --------------------------------------------------------------------------------------------------------------

# With WireGuard in user space the service needs its device and a place for its socket.
make_vpn()
{
	local name

	for name in vpn0 friend; do
		chroot "$machine" rp genkey "/etc/rosenpass/$name" && chroot "$machine" rp pubkey "/etc/rosenpass/$name" \
			"/etc/rosenpass/$name.pub" || return 1
	done
	chmod -R a+rX "$machine/etc/rosenpass/friend.pub"
	chmod 711 "$machine/etc/rosenpass" "$machine/etc/rosenpass/vpn0"
	cat >"$machine/etc/rosenpass/vpn0.toml" <<-END
		dev = "vpn0"
		replace_routes = true
		private_keys_dir = "\${CREDENTIALS_DIRECTORY}"
		ip = "10.9.0.1/24"
		listen = "127.0.0.1:444"

		[[peers]]
		public_keys_dir = "/etc/rosenpass/friend.pub"
		allowed_ips = "10.9.0.2/32, 0.0.0.0/0, 10.60.0.0/24"
	END
	[ "$kind" = wireguard ] || drop_in rp@.service userspace PrivateDevices=no 'RuntimeDirectory=wireguard'
}
# Another network, with a route that the VPN replaces.
inside ip link add lan0 type veth peer name lan1
inside ip address add 10.50.0.1/24 dev lan0
inside ip link set lan0 up
inside ip link set lan1 up
inside ip route add 10.60.0.0/24 via 10.50.0.9
network()
{
	inside ip rule
	inside ip route
}
network >network-before
same_network()
{
	diff network-before <(network)
}
check "rp: a VPN" make_vpn
check "rp: it is enabled and started" inside systemctl enable --now rp@vpn0
check "rp: it runs" active rp@vpn0
check "rp: the interface is there" within 10 inside ip link show vpn0 up
check "rp: with its address" inside sh -c 'ip address show vpn0 | grep -q "10.9.0.1/24"'
has_rules()
{
	inside ip rule | grep 'lookup 51820' && inside ip route | grep '^10.60.0.0/24 dev vpn0'
}
for signal in KILL SEGV; do
	check "rp: routes and rules" within 10 has_rules
	# Before it is started again.
	inside systemctl kill -s "$signal" --kill-who=main rp@vpn0
	check "rp: SIG$signal, all is as it was" within 4 same_network
	check "rp: SIG$signal, it is started again" within 20 active rp@vpn0
done
check "rp: routes and rules" within 10 has_rules
check "rp: it is stopped" inside systemctl stop rp@vpn0
check "rp: all is as it was" same_network
check "rp: the interface is gone" within 5 not inside ip link show vpn0

if [ "$failed" -gt 0 ]; then
	for unit in rosenpass@wg0 rosenpass@wg-home rosenpass-keys@office rosenpass-keys@slow rp@vpn0; do
		echo "--- $unit"
		journal "$unit"
	done
fi
finish
