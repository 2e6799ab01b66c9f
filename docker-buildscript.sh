#!/usr/bin/env bash
# usage: [VARIABLE=VALUE]... bash docker-buildscript.sh
# Builds the Docker images from what is committed (HEAD), tagged commit-<first 7 digits of the commit>, and prints the
# names of what it made. Nothing is uploaded. Variables:
#   TAG_AS_RELEASE=true   tag them with the version of their programs too
#   TAG_AS_LATEST=true    tag them latest too
#   IMAGE_PREFIX=PREFIX   what comes before the images' names (default: ghcr.io/rosenpass)
#   IMAGES="NAME..."      which ones (default: rosenpass rp)
#   BASE_IMAGE=IMAGE      a Debian 12 to build in, and the base of rp (default: debian:bookworm-slim)
#   BUILD_OPTIONS="..."   more options for docker build, such as --no-cache
[ -n "${BASH_VERSION-}" ] || exec bash -- "$0" "$@"
# A system without readlink has no Docker either, which is reported below.
! command -v readlink >/dev/null ||
	source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/start.bash"
set -euo pipefail

# fail STATUS WORDS...
fail()
{
	local status=$1

	shift
	echo "docker-buildscript.sh: $*" >&2
	exit "$status"
}

# is_true VARIABLE
is_true()
{
	case ${!1:-false} in
	true) return 0 ;;
	false) return 1 ;;
	*) fail 2 "$1 is \"${!1}\", but can only be true or false" ;;
	esac
}

[ $# -eq 0 ] || fail 2 "no arguments are known, but \"$1\" was given; what it does depends on variables, see its head"
image_prefix=${IMAGE_PREFIX:-ghcr.io/rosenpass}
as_release=false
as_latest=false
! is_true TAG_AS_RELEASE || as_release=true
! is_true TAG_AS_LATEST || as_latest=true
read -r -a images <<<"${IMAGES:-rosenpass rp}"
read -r -a options <<<"${BUILD_OPTIONS:-}"
for image in "${images[@]}"; do
	case $image in
	rosenpass | rp) ;;
	*) fail 2 "IMAGES has \"$image\", but there are only rosenpass and rp" ;;
	esac
done

command -v docker >/dev/null ||
	fail 1 "there is no docker here; install it first (Debian: apt-get install docker.io)"
command -v git >/dev/null || fail 1 "there is no git here; install it first (Debian: apt-get install git)"
problem=$(docker version 2>&1 >/dev/null) || fail 1 "docker does not work here: ${problem:-no reason given}"
cd "$root"
[ -e .git ] || fail 1 "$PWD is no clone of the git repository, which the images are made of and named after"
commit=$(git rev-parse --verify HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] ||
	echo "docker-buildscript.sh: warning: changes that are not committed do not get into the images" >&2

made=()
for image in "${images[@]}"; do
	name=$image_prefix/$image
	tag=commit-${commit:0:7}
	git -c tar.umask=0022 archive --format=tar HEAD |
		docker build --file docker/Dockerfile --target "$image" --tag "$name:$tag" \
			--build-arg "BASE_IMAGE=${BASE_IMAGE:-debian:bookworm-slim}" \
			--label "org.opencontainers.image.revision=$commit" "${options[@]}" -
	tags=("$tag")
	if $as_release; then
		# "rosenpass 0.1.0"
		version=$(docker run --rm --network none "$name:$tag" --version)
		tags+=("${version##* }")
	fi
	! $as_latest || tags+=(latest)
	for tag in "${tags[@]}"; do
		docker tag "$name:${tags[0]}" "$name:$tag"
		made+=("$name:$tag")
	done
done
printf '%s\n' "${made[@]}"
