#!/usr/bin/env bash
# usage: docker.sh SOURCE_ROOT BUILD_ROOT
# Builds the Docker images and does what docker/USAGE.md says, with a docker daemon of its own that leaves the
# network of the machine as it is. The base image is made with mmdebstrap and kept in the build folder for a week.
# The last line is "N passed, N failed"; without what it needs it exits 77.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

source_root=$(absolute "$1")
build_root=$(absolute "$2")
usage=$source_root/docker/USAGE.md
dockerd_pid=
base_image=debian:bookworm-slim

no_docker()
{
	echo "SKIP  docker: $*"
	exit 77
}

# --- a docker daemon ------------------------------------------------------------------------------------------------

# No bridge, no filter rules and no forwarding of its own; networks for containers alone do without.
start_docker()
{
	export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/docker-config
	unset DOCKER_CONTEXT DOCKER_BUILDKIT
	mkdir "$DOCKER_CONFIG"
	echo '{}' >"$work/docker.json"
	dockerd --host "$DOCKER_HOST" --data-root "$work/docker" --exec-root "$work/docker-run" \
		--pidfile "$work/docker.pid" --config-file "$work/docker.json" \
		--bridge none --iptables=false --ip6tables=false --ip-forward=false >"$work/dockerd.log" 2>&1 </dev/null &
	dockerd_pid=$!
	while ! docker version >/dev/null 2>&1; do
		if gone "$dockerd_pid" || [ "$SECONDS" -gt 60 ]; then
			stop_docker
			no_docker "dockerd does not start here: $(tail -n 1 "$work/dockerd.log")"
		fi
		sleep 0.2
	done
}

stop_docker()
{
	local containers networks mount

	[ -n "$dockerd_pid" ] || return 0
	mapfile -t containers < <(docker ps --all --quiet 2>/dev/null)
	[ "${#containers[@]}" -eq 0 ] || docker rm --force "${containers[@]}" >/dev/null 2>&1
	mapfile -t networks < <(docker network ls --quiet --filter type=custom 2>/dev/null)
	[ "${#networks[@]}" -eq 0 ] || docker network rm "${networks[@]}" >/dev/null 2>&1
	kill -TERM "$dockerd_pid" 2>/dev/null
	within 30 gone "$dockerd_pid" || kill -KILL "$dockerd_pid"
	wait "$dockerd_pid" 2>/dev/null
	dockerd_pid=
	# What stays mounted could not be removed.
	while read -r _ mount _; do
		[[ $mount != "$work"/* ]] || umount --lazy "$mount"
	done </proc/mounts
}

before_clean_up()
{
	stop_docker
}

# --- what is needed -------------------------------------------------------------------------------------------------

# The same as the one that everybody gets from a registry: no documentation, no translations.
make_base()
{
	local kept=$build_root/docker-base.tar

	# That of all builds where there is one, as scripts/test.sh removes build/NAME.
	[[ $build_root != "$source_root"/build/* ]] || kept=$source_root/build/docker-base.tar
	if [ -z "$(find "$kept" -mtime -7 -size +1M 2>/dev/null)" ]; then
		# usrmerge, which would be taken for usr-is-merged, has all of Perl with it.
		# shellcheck disable=SC2016
		mmdebstrap --variant=minbase --format=tar \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
			--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
			--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
			--setup-hook='printf "Package: usrmerge\nPin: release *\nPin-Priority: -1\n" \
				>"$1/etc/apt/preferences.d/base"' \
			--customize-hook='rm "$1/etc/apt/preferences.d/base"' \
			bookworm "$work/base.tar" >"$work/mmdebstrap.log" 2>&1 </dev/null ||
			no_docker "no base image: $(grep '^E:' "$work/mmdebstrap.log" | tail -n 1 | cut -c 1-200)"
		mv "$work/base.tar" "$kept"
	fi
	docker import "$kept" "$base_image" >/dev/null || exit 1
}

# Other tests may have interfaces of other kinds.
bridges()
{
	printf '%s\n' /sys/class/net/{br-,docker}*
}

is_root || no_docker "only root can start a docker daemon"
for tool in dockerd:docker.io docker:docker.io mmdebstrap:mmdebstrap git:git script:bsdutils; do
	command -v "${tool%:*}" >/dev/null || no_docker "there is no ${tool%:*} here (Debian: ${tool#*:})"
done
git -c safe.directory='*' -C "$source_root" rev-parse HEAD >/dev/null 2>&1 ||
	no_docker "$source_root is no git repository"
bridges_before=$(bridges)
start_docker
make_base

# The tree as it is, committed: images are made of commits.
in_folder tree
git -c safe.directory='*' -C "$source_root" ls-files -z --cached --others --exclude-standard |
	tar --create --directory "$source_root" --null --files-from - --ignore-failed-read 2>/dev/null | tar --extract
{ git init --quiet . && git add --all && git -c user.name=test -c user.email=test@example.org commit --quiet \
	--message "The tree"; } || exit 1
commit=$(git rev-parse HEAD)
version=$(sed -n "s/^\tversion: '\(.*\)',\$/\1/p" meson.build)
images=(rosenpass rp)
export IMAGES="${images[*]}"

# --- docker-buildscript.sh -------------------------------------------------------------------------------------------

# refuses STATUS WORDS VARIABLE=VALUE...: and says so in one line with these words.
refuses()
{
	local status=$1 text=$2 got=0

	shift 2
	env "$@" "$BASH" docker-buildscript.sh >"$work/refused" 2>&1 || got=$?
	cat "$work/refused"
	echo "status $got"
	[ "$got" -eq "$status" ] && [ "$(wc -l <"$work/refused")" -eq 1 ] && grep -qF -- "$text" "$work/refused"
}

check "no docker" refuses 1 "there is no docker here; install it" PATH=/nonexistent
check "no daemon" refuses 1 "docker does not work here: " DOCKER_HOST="unix://$work/nobody.sock"
check "a variable that is neither true nor false" refuses 2 'TAG_AS_LATEST is "yes"' TAG_AS_LATEST=yes
check "an image that there is not" refuses 2 'IMAGES has "rosenpas"' IMAGES=rosenpas
mv .git ../git-of-tree
check "no clone" refuses 1 "is no clone of the git repository"
mv ../git-of-tree .git

# --- what is typed ---------------------------------------------------------------------------------------------------

# block HEADING NUMBER: of docker/USAGE.md, what is to be typed there.
block()
{
	awk -v heading="$1" -v number="$2" '
		/^##/ { here = $0; sub(/^#+ /, "", here) }
		/^```$/ { inside = 0 }
		inside && here == heading && count == number
		/^```sh$/ { inside = 1; count = here == last ? count + 1 : 1; last = here }' "$usage"
}

# typed HEADING NUMBER: does it, as at a terminal.
typed()
{
	block "$1" "$2" >"$work/typed.sh"
	[ -s "$work/typed.sh" ] || { echo "USAGE.md has no block $2 below \"$1\""; return 1; }
	echo "$1/$2" >>"$work/typed.list"
	# Where the kernel has no WireGuard it says what to add.
	$kernel_has_wireguard || sed -i 's/--cap-add=NET_ADMIN/& --device=\/dev\/net\/tun/' "$work/typed.sh"
	at_terminal "$work/typed.sh"
}

# at_terminal SCRIPT
at_terminal()
{
	script --quiet --return --flush --command "bash -e '$1'" /dev/null </dev/null
}

kernel_has_wireguard=false
! ip link add rosenpass-test type wireguard 2>/dev/null ||
	{ kernel_has_wireguard=true && ip link delete rosenpass-test; }

# of IMAGE FORMAT: what docker inspect has.
of()
{
	docker inspect --format "$2" "$1"
}

is_below()
{
	echo "$1 bytes"
	[ "$1" -gt 0 ] && [ "$1" -lt "$2" ]
}

# tags_are NAME TAG...
tags_are()
{
	local name=$1

	shift
	diff <(docker images --format '{{.Tag}}' "$name" | sort) <(printf '%s\n' "$@" | sort)
}

# The network is that of the machine: this daemon has no bridge.
export BUILD_OPTIONS='--network host'
check "Build: the images" typed Build 1
# Nothing else can work then.
[ "$failed" -eq 0 ] || { finish; exit; }
for image in "${images[@]}"; do
	check "$image: tags" tags_are "ghcr.io/rosenpass/$image" "commit-${commit:0:7}" latest
	check "$image: of this commit" [ "$(of "ghcr.io/rosenpass/$image" \
		'{{index .Config.Labels "org.opencontainers.image.revision"}}')" = "$commit" ]
	check "$image: version" [ "$(docker run --rm --network none "ghcr.io/rosenpass/$image" --version)" = \
		"$image $version" ]
done
echo "// changed" >>src/rosenpass/main.c
TAG_AS_RELEASE=true IMAGE_PREFIX=registry.example.org/vpn ./docker-buildscript.sh >out 2>err
check "as release: status" [ $? -eq 0 ]
check "as release: says that a change is left out" grep -q "warning: changes that are not committed" err
git checkout --quiet src
for image in "${images[@]}"; do
	check "$image as release: tags" tags_are "registry.example.org/vpn/$image" "commit-${commit:0:7}" "$version"
	check "$image as release: names" grep -qx "registry.example.org/vpn/$image:$version" out
	check "$image as release: the same program" [ \
		"$(of "registry.example.org/vpn/$image:$version" '{{.RootFS}}')" = "$(of "ghcr.io/rosenpass/$image" '{{.RootFS}}')" ]
done
# What is not committed shall be in it.
version_of()
{
	docker run --rm --network none "$1" --version
}
sed -i 's/^\(#define ROSENPASS_VERSION_PATCH\) .*/\1 99/' include/rosenpass.h
check "Build: by hand" typed Build 2
check "Build: by hand: with what is not committed" [ "$(version_of ghcr.io/rosenpass/rosenpass)" = "rosenpass ${version%.*}.99" ]
git checkout --quiet include
check "Build: by hand: not the image of the release" [ \
	"$(version_of "registry.example.org/vpn/rosenpass:$version")" = "rosenpass $version" ]
docker tag "registry.example.org/vpn/rosenpass:$version" ghcr.io/rosenpass/rosenpass

# --- rosenpass -------------------------------------------------------------------------------------------------------

files_of()
{
	local container

	container=$(docker create --network none "$1") || return 1
	# Without what docker itself puts there.
	docker export "$container" | tar --list |
		grep -vE '/$|^\.dockerenv$|^dev/|^etc/(hostname|hosts|mtab|resolv\.conf)$'
	docker rm "$container" >/dev/null
}

rosenpass_image=ghcr.io/rosenpass/rosenpass
check "rosenpass: size" is_below "$(of "$rosenpass_image" '{{.Size}}')" 5000000
check "rosenpass: one file" [ "$(files_of "$rosenpass_image")" = usr/local/bin/rosenpass ]

in_folder exchange
stopped()
{
	[ -z "$(docker ps --quiet)" ]
}

check "exchange: network" typed "Exchange a key" 1
check "exchange: keys" typed "Exchange a key" 2
check "exchange: secret keys are for their owner alone" has_mode 600 server/server-secret
check "exchange: both sides" typed "Exchange a key" 3
check "exchange: the keys are there" agree server/server-sharedkey client/client-sharedkey
check "exchange: compared" typed "Exchange a key" 4
check "exchange: mode of the key" has_mode 600 client/client-sharedkey
check "exchange: log and status" typed "Exchange a key" 5
cp "$work/said" told
check "exchange: the log" grep "exchanged a key" told
check "exchange: the status" grep "outfile: workdir/client-sharedkey has the key" told
check "exchange: the whole sandbox" grep \
	"sandbox: seccomp, .*no capabilities, no new privileges, not dumpable, not root" told
begin=$SECONDS
check "exchange: the end" typed "Exchange a key" 6
check "exchange: it does not wait to be killed" [ $((SECONDS - begin)) -lt 8 ]
check "exchange: nothing runs" within 10 stopped

# by_hand NAME DOCKER-OPTION... -- WORD...: a container that stays when its program has ended.
by_hand()
{
	local name=$1 options=()

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	docker run --detach --name "$name" --network rp --volume "$PWD/${name%-*}:/workdir" "${options[@]}" \
		"$rosenpass_image" exchange "public-key" "workdir/${name%-*}-public" "private-key" \
		"workdir/${name%-*}-secret" "$@"
}

# exchanges NAME DOCKER-OPTION...: with the server's address instead of its name.
exchanges()
{
	local name=$1

	shift
	rm -f server/server-sharedkey client/client-sharedkey
	by_hand "server-$name" "$@" -- listen 0.0.0.0:9999 \
		peer public-key workdir/client-public outfile workdir/server-sharedkey || return 1
	by_hand "client-$name" "$@" -- peer public-key workdir/server-public outfile workdir/client-sharedkey \
		endpoint "$(of "server-$name" '{{.NetworkSettings.Networks.rp.IPAddress}}'):9999" || return 1
	agree server/server-sharedkey client/client-sharedkey && return
	docker logs "server-$name"
	docker logs "client-$name"
	return 1
}

docker network create -d bridge rp >/dev/null
check "private-key, and an address as endpoint" exchanges usual
docker stop server-usual >/dev/null
check "stopped: exit status" [ "$(of server-usual '{{.State.ExitCode}}')" = 0 ]
check "read-only, as root with the two capabilities that it needs" exchanges least --read-only --cap-drop=ALL \
	--cap-add=SETUID --cap-add=SETGID --security-opt no-new-privileges
chown -R 1234:1234 server client
check "read-only, as a user without any capability" exchanges user --read-only --cap-drop=ALL --user 1234:1234 \
	--security-opt no-new-privileges
chown -R 0:0 server client
by_hand server-none --cap-drop=ALL -- listen 0.0.0.0:9999 peer public-key workdir/client-public outfile workdir/x \
	>/dev/null
check "as root without a capability: it ends" [ "$(docker wait server-none)" = 1 ]
check "as root without a capability: it says why" grep -q "cannot leave root's groups" \
	<(docker logs server-none 2>&1)
check "fewer rights: keys" typed "With fewer rights" 1
mapfile -t containers < <(docker ps --all --quiet)
docker rm --force "${containers[@]}" >/dev/null
docker network rm rp >/dev/null

# --- rp ----------------------------------------------------------------------------------------------------------------

has_device()
{
	docker exec "$1" ip link show dev "$2"
}

pings()
{
	docker exec rpclient ping -c 1 -w 1 10.0.0.1
}

if [[ " ${images[*]} " == *" rp "* ]]; then
	check "rp: size" is_below "$(of ghcr.io/rosenpass/rp '{{.Size}}')" 93200000
	in_folder vpn
	vpn="Make a VPN"
	check "rp: network" typed "$vpn" 1
	check "rp: keys" typed "$vpn" 2
	check "rp: secret keys are for their owner alone" has_mode 700 server/server.rosenpass-secret
	if ! $kernel_has_wireguard; then
		docker run --rm --network rp --cap-add=NET_ADMIN --volume "$PWD/server:/workdir" ghcr.io/rosenpass/rp \
			exchange workdir/server.rosenpass-secret peer workdir/client.rosenpass-public >out 2>&1
		check "rp: neither WireGuard nor a tun device: status" [ $? -eq 1 ]
		check "rp: neither WireGuard nor a tun device: says so" grep /dev/net/tun out
	fi
	check "rp: server" typed "$vpn" 3
	check "rp: client" typed "$vpn" 4
	check "rp: the server's device" within 15 has_device rpserver rosenpass0
	check "rp: the client's device" within 15 has_device rpclient rosenpass1
	check "rp: addresses" typed "$vpn" 5
	check "rp: ping and status" typed "$vpn" 6
	check "rp: bash in it" docker exec rpclient bash -c 'wg show rosenpass1 preshared-keys'
	check "rp: the server stops" docker stop rpserver
	check "rp: no ping without the server" not pings
	check "rp: the server returns" typed "$vpn" 3
	check "rp: its device" within 15 has_device rpserver rosenpass0
	docker exec rpserver ip a add 10.0.0.1/24 dev rosenpass0
	check "rp: ping returns" within 180 pings
	check "rp: the end" typed "$vpn" 7
	check "rp: nothing runs" within 10 stopped
else
	skip "rp: the program is not part of this tree"
fi

# --- afterwards ------------------------------------------------------------------------------------------------------

# Which blocks there are, against which were done.
all_typed()
{
	diff <(awk '/^##/ { here = $0; sub(/^#+ /, "", here); count = 0 } /^```sh$/ { print here "/" ++count }' "$usage" |
		sort) <(sort -u "$work/typed.list")
}

nothing_is_left()
{
	! grep -F "$work" /proc/mounts && ! grep -lF "$work/docker" /proc/[0-9]*/cmdline 2>/dev/null &&
		[ "$(bridges)" = "$bridges_before" ]
}

[[ " ${images[*]} " != *" rp "* ]] || check "every command of docker/USAGE.md was run" all_typed
stop_docker
check "nothing of docker is left" nothing_is_left
finish
