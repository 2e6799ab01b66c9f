#!/usr/bin/env bash
# usage: units.sh ROSENPASS RP SOURCE_ROOT
# The systemd units: systemd finds no fault in them, they keep what users of the reference's unit rely on, and they
# leave a daemon less to misuse than that unit does.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
set -euo pipefail
export LC_ALL=C

program=$(realpath "$1")
rp=$(realpath "$2")
source_root=$3
folder=$source_root/packaging/systemd
failed=0

fail()
{
	echo "units.sh: $*" >&2
	failed=1
}

if ! command -v systemd-analyze >/dev/null 2>&1; then
	echo "units.sh: skipped, there is no systemd-analyze here (package systemd)"
	exit 77
fi
if ! systemd-analyze --help 2>/dev/null | grep -q -- --offline; then
	echo "units.sh: skipped, this systemd-analyze cannot look at files (--offline, systemd 250)"
	exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The program is found in systemd's path once it is installed; here it is where it was built.
cp "$folder/rosenpass.target" "$folder/rosenpass-start@.service" "$work"
for unit in rosenpass rosenpass-keys; do
	sed "s|^\(Exec[A-Za-z]*=\)rosenpass |\1$program |" "$folder/$unit@.service" >"$work/$unit@.service"
done
sed "s|^\(Exec[A-Za-z]*=\)rp |\1$rp |" "$folder/rp@.service" >"$work/rp@.service"
if ! systemd-analyze verify --man=no "$work/rosenpass.target" "$work/rosenpass@.service" "$work/rosenpass-start@.service" \
	"$work/rosenpass-keys@.service" "$work/rp@.service" >"$work/log" 2>&1 ||
	[ -s "$work/log" ]; then
	cat "$work/log" >&2
	fail "systemd-analyze verify finds faults"
fi

# Paths and names that configurations in use were written for.
while IFS= read -r line; do
	grep -qxF "$line" "$folder/rosenpass@.service" || fail "rosenpass@.service has no line $line"
done <<'LINES'
ExecStart=rosenpass exchange-config /etc/rosenpass/%i.toml
LoadCredential=pqsk:/etc/rosenpass/%i/pqsk
BindsTo=sys-devices-virtual-net-%i.device
PartOf=rosenpass.target
DynamicUser=yes
Type=notify
WantedBy=sys-devices-virtual-net-%i.device
LINES
# A device that requires a service is stopped with it, and with the device all that is bound to it.
! grep -qE '^RequiredBy=.*\.device' "$folder"/*.service || fail "a device requires a service"
grep -q '^After=.*sys-devices-virtual-net-%i\.device' "$folder/rosenpass@.service" ||
	fail "rosenpass@.service does not wait for its interface"

if grep -vE '^#' "$folder/rosenpass-keys@.service" | grep -qE '\.device|CAP_NET_ADMIN'; then
	fail "rosenpass-keys@.service has something of an interface"
fi

# What both say of the daemon is the same: they differ in the interface alone.
settings()
{
	sed -n '/^\[Service\]/,/^\[/p' "$folder/$1@.service" | grep -vE '^(#|\[|$)|CAP_'
}
diff <(settings rosenpass) <(settings rosenpass-keys) >&2 || fail "the sections [Service] of both units differ"

# A command that runs at the stop has 20 seconds, after three of the engine process.
for unit in rosenpass rosenpass-keys; do
	seconds=$(sed -n 's/^TimeoutStopSec=//p' "$folder/$unit@.service")
	[ "${seconds:-0}" -ge 30 ] || fail "$unit@.service kills commands that may run at the stop"
done

# Names with a dash: the generator makes drop-ins for the escaped form, whatever else is there.
names=(wg-home a-b-c wg0 'odd-name with%space')
mkdir "$work/generated" "$work/etc"
for name in "${names[@]}"; do
	: >"$work/etc/$name.toml"
done
sed "s|/etc/rosenpass/\*|$work/etc/*|" "$folder/rosenpass-generator" >"$work/generator"
sh "$work/generator" "$work/generated" "$work/generated" "$work/generated" || fail "the generator fails"
expected=$(for unit in rosenpass rosenpass-keys rp; do
	printf '%s\n' "$unit@a\\x2db\\x2dc.service.d/50-name.conf" "$unit@wg\\x2dhome.service.d/50-name.conf"
done | sort)
found=$(cd "$work/generated" && find . -type f | cut -c 3- | sort)
[ "$found" = "$expected" ] || fail "the generator makes other files: $found"
grep -qxF 'ExecStart=rosenpass exchange-config /etc/rosenpass/wg-home.toml' \
	"$work/generated/rosenpass@wg\\x2dhome.service.d/50-name.conf" ||
	fail "the generator does not name the configuration"
# As systemd reads them, along with the template.
for unit in rosenpass rosenpass-keys rp; do
	program_of=$program
	[ "$unit" != rp ] || program_of=$rp
	sed -i "s#^ExecStart=[a-z]* #ExecStart=$program_of #; s#^ExecReload=[a-z]* #ExecReload=$program #" \
		"$work/generated/$unit@wg\\x2dhome.service.d/50-name.conf"
	cp "$work/$unit@.service" "$work/generated/$unit@wg\\x2dhome.service"
	if ! systemd-analyze verify --man=no "$work/generated/$unit@wg\\x2dhome.service" >"$work/log" 2>&1 ||
		[ -s "$work/log" ]; then
		cat "$work/log" >&2
		fail "systemd-analyze verify finds faults in an escaped instance of $unit"
	fi
done

# Each command that a unit starts is one of the program's.
while IFS= read -r command; do
	"$program" help "$command" >/dev/null || fail "the unit starts rosenpass $command, which is no command"
done < <(sed -n 's/^Exec[A-Za-z]*=rosenpass \([a-z-]*\).*/\1/p' "$folder/rosenpass@.service" "$folder/rosenpass-keys@.service")
while IFS= read -r command; do
	"$rp" help "$command" >/dev/null || fail "the unit starts rp $command, which is no command"
done < <(sed -n 's/^Exec[A-Za-z]*=rp \([a-z-]*\).*/\1/p' "$folder/rp@.service")

# The settings of the reference's unit.
{
	cat <<UNIT
[Service]
ExecStart=$program exchange-config /etc/rosenpass/%i.toml
LoadCredential=pqsk:/etc/rosenpass/%i/pqsk
DynamicUser=yes
AmbientCapabilities=CAP_NET_ADMIN
UNIT
	for capability in AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHOWN DAC_OVERRIDE \
		DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN \
		MAC_OVERRIDE MKNOD NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID \
		SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO \
		SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM; do
		echo "CapabilityBoundingSet=~CAP_$capability"
	done
	for setting in LockPersonality MemoryDenyWriteExecute PrivateDevices ProtectClock ProtectControlGroups \
		ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables \
		RestrictNamespaces RestrictRealtime; do
		echo "$setting=yes"
	done
	for group in clock cpu-emulation debug module mount obsolete privileged raw-io reboot swap; do
		echo "SystemCallFilter=~@$group"
	done
	cat <<'UNIT'
ProcSubset=pid
ProtectProc=noaccess
RestrictAddressFamilies=AF_NETLINK AF_INET AF_INET6
SystemCallArchitectures=native
UMask=0077
UNIT
} >"$work/reference@.service"

# exposure FILE: the sum of what a taken-over service could misuse, from 0.0 to 10.0.
exposure()
{
	systemd-analyze security --no-pager --offline=true "$1" 2>"$work/log" |
		sed -n 's/^.*Overall exposure level for [^:]*: \([0-9.]*\) .*/\1/p'
}

reference=$(exposure "$work/reference@.service")
for unit in rosenpass rosenpass-keys rp; do
	ours=$(exposure "$work/$unit@.service")
	echo "exposure of $unit: $ours, the reference's unit $reference"
	if [ -z "$ours" ] || [ -z "$reference" ]; then
		cat "$work/log" >&2
		fail "systemd-analyze security gave no number"
	elif ! awk -v ours="$ours" -v reference="$reference" 'BEGIN { exit !(ours < reference) }'; then
		fail "the unit leaves a daemon more than the reference's does"
	fi
done
exit "$failed"
