#!/usr/bin/env bash
# usage: rp-keys.sh RP
# The commands of rp that need no network: keys made and read, help, and each kind of wrong input: the exit status,
# what is said where, and not a file more, less or different. The last line is "N passed, N failed".
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../scripts/start.bash"
# shellcheck source=common.bash
source "$root/tests/system/common.bash"

program "$1" rp
rp=$program
in_folder folder

# Everything in the folder: names, kinds, modes, contents, and times of what is no folder.
state()
{
	find . ! -type d -printf '%p %y %m %T@ %l\n' -o -printf '%p %y %m\n' | sort
	find . -type f -exec sha256sum {} + 2>/dev/null | sort
}

# run_rp WORD...: its words are in out and err beside the folder, its exit status in $status.
run_rp()
{
	timeout 20 "$rp" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# silent WORD...: it succeeds and says nothing.
silent()
{
	run_rp "$@"
	cat "$work/out" "$work/err"
	[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && [ ! -s "$work/err" ]
}

# notes PATTERN WORD...: it succeeds and says this on standard error.
notes()
{
	local pattern=$1

	shift
	run_rp "$@"
	cat "$work/out" "$work/err"
	[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && grep -qE -- "$pattern" "$work/err"
}

# tells PATTERN WORD...: it succeeds and says this on standard output.
tells()
{
	local pattern=$1

	shift
	run_rp "$@"
	cat "$work/out" "$work/err"
	[ "$status" -eq 0 ] && [ ! -s "$work/err" ] && grep -qE -- "$pattern" "$work/out"
}

# fails LINES PATTERN WORD...: status 1, that many lines on standard error of which the first one says this, nothing on
# standard output, and nothing changes.
fails()
{
	local lines=$1 pattern=$2 before problem=

	shift 2
	before=$(state)
	run_rp "$@"
	[ "$status" -eq 1 ] || problem="status $status"
	[ "$(wc -l <"$work/err")" -eq "$lines" ] || problem="$problem; not $lines lines"
	head -n 1 "$work/err" | grep -qE -- "^rp: error: .*$pattern" || problem="$problem; no \"$pattern\""
	[ "$lines" -eq 1 ] || sed -n 2p "$work/err" | grep -q '^Usage: rp ' || problem="$problem; no usage"
	[ ! -s "$work/out" ] || problem="$problem; standard output"
	[ "$(state)" = "$before" ] || problem="$problem; files changed"
	[ -z "$problem" ] || { echo "${problem#; }"; cat "$work/out" "$work/err"; false; }
}

refused()
{
	local words=$1

	shift
	check "$words" fails 1 "$@"
}

misused()
{
	local words=$1

	shift
	check "$words, and the usage" fails 2 "$@"
}

# --- genkey ---------------------------------------------------------------------------------------------------------

sizes()
{
	local found

	found=$(cd "$1" && find . -type f -printf '%f %s %m\n' | sort | paste -sd ,)
	[ "$found" = "$2" ] || { echo "$found"; false; }
}

private='pqpk 524160 644,pqsk 13608 600,wgsk 44 600'
umask 000
check "genkey, umask 000" silent genkey a
umask 022
check "genkey: mode of the folder" has_mode 700 a
check "genkey: files" sizes a "$private"
check "genkey: wgsk is base64 without a newline" is_base64_key a/wgsk
# Curve25519: 3 bits at the beginning and 1 at the end are clear, the one before that is set.
clamped()
{
	local -a bytes

	read -r -a bytes < <(base64 -d "$1" | od -An -v -tu1 -w32)
	[ "${#bytes[@]}" -eq 32 ] && [ $((bytes[0] & 7)) -eq 0 ] && [ $((bytes[31] & 192)) -eq 64 ]
}
check "genkey: wgsk is a key of Curve25519" clamped a/wgsk
umask 777
check "genkey, umask 777" silent genkey b
umask 022
check "genkey, umask 777: mode of the folder" has_mode 700 b
check "genkey, umask 777: files" sizes b "$private"
check "genkey: other keys each time" not cmp -s a/wgsk b/wgsk
check "genkey: other pairs each time" not cmp -s a/pqpk b/pqpk

mkdir -m 700 empty
check "genkey in an empty folder" silent genkey empty
check "genkey in an empty folder: files" sizes empty "$private"
# As mkdir or a container makes it.
for mode in 755 750 777; do
	mkdir -m "$mode" "mounted$mode"
	check "genkey in an empty folder of mode $mode" silent genkey "mounted$mode"
	check "genkey in an empty folder of mode $mode: it is ours alone" has_mode 700 "mounted$mode"
	check "genkey in an empty folder of mode $mode: files" sizes "mounted$mode" "$private"
done
mkdir -m 755 mounted && touch mounted/file
refused "genkey: something is in it" '"mounted" has mode 755, .*: chmod 700 "mounted"' genkey mounted
before=$(state)
check "genkey once more: says what is kept" notes 'wgsk" exists and is kept' genkey a
check "genkey once more: all is as before" [ "$(state)" = "$before" ]
before=$(sha256sum a/pq*)
rm a/wgsk
check "genkey makes a missing wgsk" notes 'pqsk" and .*pqpk" exist and are kept' genkey a
check "genkey makes a missing wgsk: files" sizes a "$private"
check "genkey makes a missing wgsk: the pair is kept" sha256sum --status -c <<<"$before"
before=$(sha256sum a/wgsk)
rm a/pq*
check "genkey makes a missing pair" notes 'wgsk" exists and is kept' genkey a/
check "genkey makes a missing pair: files" sizes a "$private"
check "genkey makes a missing pair: wgsk is kept" sha256sum --status -c <<<"$before"
ln -s b link
check "genkey through a link" notes kept genkey link
for file in wgsk pqsk; do
	chmod 644 "b/$file"
	check "genkey: others can read $file" notes "warn: genkey: \"b/$file\" can be read by other users" genkey b
	chmod 600 "b/$file"
done

mv b/pqpk kept
refused "genkey: pqsk alone" 'there is "b/pqsk" without "b/pqpk"; bring that back, or remove' genkey b
mv b/pqsk kept-secret && mv kept b/pqpk
refused "genkey: pqpk alone" 'there is "b/pqpk" without "b/pqsk"; bring that back, or remove' genkey b
mv kept-secret b/pqsk
for mode in 755 750 701 500 777; do
	chmod "$mode" b
	refused "genkey: mode $mode" "\"b\" has mode $mode, .*: chmod 700 \"b\"" genkey b
done
chmod 700 b
touch file
refused "genkey: a file" '"file" exists and is not a directory' genkey file
refused "genkey: below a file" 'cannot create directory "file/x": Not a directory' genkey file/x
refused "genkey: an empty name" 'cannot create directory "": No such file' genkey ''
refused "genkey: /dev/null" '"/dev/null" exists and is not a directory' genkey /dev/null
misused "genkey without a folder" 'genkey: 1 argument expected, not 0' genkey
misused "genkey with two folders" 'genkey: c is one argument too many' genkey b c
misused "genkey with an option" 'genkey: unknown option --force' genkey --force b
if is_root; then
	mkdir -m 700 theirs && chown 12345 theirs
	refused "genkey: somebody else's folder" 'belongs to another user' genkey theirs
	mkdir small && mount -t tmpfs -o size=256k tmpfs small 2>/dev/null && {
		refused "genkey: a full disk" 'cannot write "small/x/pqpk": No space left' genkey small/x
		umount small
	}
else
	skip "somebody else's folder, a full disk: only root can make them"
fi

# --- pubkey ---------------------------------------------------------------------------------------------------------

public='pqpk 524160 644,wgpk 44 644'
umask 077
check "pubkey" silent pubkey a p
umask 022
check "pubkey: files" sizes p "$public"
check "pubkey: others can get there" has_mode 755 p
check "pubkey: wgpk is base64 without a newline" is_base64_key p/wgpk
check "pubkey: pqpk is a copy" cmp a/pqpk p/pqpk
mkdir e
check "pubkey into an empty folder" silent pubkey a/ e/
check "pubkey into an empty folder: files" sizes e "$public"
check "pubkey: the same each time" cmp p/wgpk e/wgpk
# A pair made by other software: the secret key is the bytes 0 to 31.
cp -r a known && printf '%s\r\n' 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' >known/wgsk
rm known/pqsk
check "pubkey of a known key, without pqsk" silent pubkey known k
check "pubkey of a known key: wgpk" [ "$(cat k/wgpk)" = 'j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=' ]

refused "pubkey: a folder that is not empty" '"p" exists and is not empty' pubkey a p
refused "pubkey: a file" '"file" exists and is not a directory' pubkey a file
refused "pubkey: of nothing" 'private-keys folder "none" does not exist; rp genkey makes it' pubkey none q
refused "pubkey: of a file" '"a/wgsk" is no folder' pubkey a/wgsk q
refused "pubkey: of public keys" '"p" has no wgsk but a wgpk: it is a folder of public keys' pubkey p q
echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg== >known/wgsk
refused "pubkey: wgsk too short" '"known/wgsk" does not hold 32 bytes in base64' pubkey known q
check "no key is shown" not grep -q AAECAwQ "$work/err"
rm known/wgsk
refused "pubkey: no wgsk" '"known" has no wgsk; rp genkey makes it' pubkey known q
cp a/wgsk known && echo >>known/pqpk
refused "pubkey: pqpk too long" '"known/pqpk" is too long: a public key has 524160 bytes' pubkey known q
truncate -s 524159 known/pqpk
refused "pubkey: pqpk too short" '"known/pqpk" is too short: 524159 bytes' pubkey known q
rm known/pqpk
refused "pubkey: no pqpk" '"known" has no pqpk; rp genkey makes it' pubkey known q
misused "pubkey without folders" 'pubkey: 2 arguments expected, not 0' pubkey
misused "pubkey with one folder" 'pubkey: 2 arguments expected, not 1' pubkey a
misused "pubkey with three folders" 'pubkey: r is one argument too many' pubkey a q r
if is_root && mkdir tiny && mount -t tmpfs -o size=256k tmpfs tiny 2>/dev/null; then
	refused "pubkey: a full disk" 'cannot write pqpk into directory "tiny/x": No space left' pubkey a tiny/x
	umount tiny
fi

# --- help and version -------------------------------------------------------------------------------------------------

for word in help -h --help -help; do
	check "$word" tells '^  exchange-config  ' "$word"
done
check "help: the first line" [ "$(head -n 1 "$work/out")" = 'Usage: rp [verbose] COMMAND [ARGUMENT]...' ]
for command in genkey pubkey exchange exchange-config status help; do
	check "help $command" tells "^Usage: rp $command " help "$command"
done
for command in genkey pubkey exchange exchange-config; do
	check "$command -h" tells "^Usage: rp $command " "$command" -h
	check "$command --help" tells "^Usage: rp $command " "$command" --help
done
check "--version" tells '^rp [0-9]+\.[0-9]+\.[0-9]+$' --version
check "-V" tells '^rp [0-9]+\.[0-9]+\.[0-9]+$' -V
check "verbose help" tells '^Commands:$' verbose help
explained()
{
	run_rp explain verbose genkey a
	cat "$work/err"
	[ "$status" -eq 0 ] && grep -q '^rp: warn: explain is no longer supported' "$work/err"
}
check "explain warns and goes on" explained

misused "no command" 'No command supplied'
misused "flags and no command" 'No command supplied' verbose
misused "an unknown command" 'Unknown command frobnicate$' frobnicate
misused "a misspelt command" 'Unknown command exchnage; did you mean exchange\?' exchnage
misused "an unknown option" 'unknown option --verbose' --verbose
misused "help for what is no command" 'Unknown command gen; did you mean|Unknown command gen$' help gen
misused "help for two" 'help: one command at a time' help genkey pubkey

# --- exchange: what is refused before anything is done --------------------------------------------------------------

misused "exchange alone" 'exchange: PRIVATE_KEYS_DIR is missing' exchange
misused "exchange: an unknown option" 'exchange: unknown option --froce' exchange --froce a peer p
misused "exchange: an option without its value" 'exchange: a value is missing after --user' exchange --user
misused "exchange: an unknown option after a peer" 'exchange: unknown option --froce' exchange a peer p --froce
misused "exchange: an option without its value" 'exchange: a value is missing after --user' exchange a peer p --user
misused "an unknown option before the command" 'unknown option --froce' --froce exchange a
misused "exchange: listen 65535" 'exchange: listen "65535" has the last port.* up to 65534' exchange a listen 65535 peer p
misused "exchange: an endpoint with port 65535" 'exchange: peer 1: endpoint "h:65535" has the last port' \
	exchange a peer p endpoint h:65535
misused "exchange: a word without its value" 'exchange: peer 2: allowed-ips needs a value after it' \
	exchange a peer p peer e allowed-ips
misused "exchange: a misspelt word" 'exchange: peer 1: unknown argument endpiont; did you mean endpoint\?' \
	exchange a peer p endpiont h:1
misused "exchange: a bad prefix" 'exchange: peer 1: allowed-ips.*10\.0\.0\.0/33' \
	exchange a peer p allowed-ips 10.0.0.0/33
misused "exchange: a bad address" 'exchange: ip.*fc00::x' exchange a ip fc00::x/64 peer p
misused "exchange-config alone" 'exchange-config: a configuration file is missing' exchange-config
misused "exchange-config with two files" 'exchange-config: one configuration file is enough' exchange-config x y
refused "exchange-config: no file" 'config file "none.toml" does not exist' exchange-config none.toml
refused "exchange-config: a folder" 'cannot read config file "a": Is a directory' exchange-config a
printf 'private_keys_dir = "a"\nlisten = "[::]:65535"\n' >f.toml
refused "exchange-config: listen 65535" 'f.toml:2: listen "\[::\]:65535" has the last port' exchange-config f.toml
printf 'private_keys_dir = "a"\n[[peers]]\npublic_keys_dir = "p"\nendpiont = "h:1"\n' >f.toml
refused "exchange-config: a misspelt key" 'f.toml:4: peer 1: unknown key endpiont; did you mean endpoint\?' \
	exchange-config f.toml
printf 'private_keys_dir = "a"\n[[peers]\n' >f.toml
refused "exchange-config: no TOML" 'f.toml:2: column ' exchange-config f.toml
printf 'public_key = "a"\n' >f.toml
refused "exchange-config: a file of rosenpass" 'f.toml:1: unknown key public_key.*; this is a configuration of rosenpass' exchange-config f.toml

finish
