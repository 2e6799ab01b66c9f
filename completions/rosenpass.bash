# Completions of rosenpass for bash.

# Options, line by line: the command ("-" for those before it), then its options; VALUE after "=" says what follows one.
_rosenpass_options()
{
	local command options

	while IFS=: read -r command options; do
		[ "$command" != "$1" ] || echo "$options"
	done <<-'TABLE'
		-:--log-level=level -v --verbose -q --quiet --log-format=format --generate-manpage=folder --print-completions=shell -h --help -V --version
		exchange-config:--name=any --user=user --before-first-exchange=before --on-exit=exit --no-sandbox -h --help
		exchange:-c=file --config-file=file --name=any --user=user --before-first-exchange=before --on-exit=exit --no-sandbox -h --help
		gen-config:-f --force -h --help
		gen-keys:-p=file --public-key=file -s=file --secret-key=file -f --force -h --help
		validate:-h --help
		status:--json --watch -h --help
		metrics:-h --help
		reload:-h --help
		peer:--daemon=daemon -h --help
		fingerprint:-c=any --check=any -p --peer-id -h --help
		convert-secret-key:-f --force -h --help
		man:-h --help
		help:
	TABLE
}

_rosenpass_commands='exchange-config exchange gen-config gen-keys validate status metrics reload peer fingerprint convert-secret-key man help'

# The kind of value that option $2 of command $1 takes; nothing when it takes none.
_rosenpass_value_of()
{
	local option

	for option in $(_rosenpass_options "$1"); do
		case $option in
		"$2"=*) echo "${option#*=}" ;;
		esac
	done
}

# The daemons that have a socket, or a folder for one that only root can look into.
_rosenpass_daemons()
{
	local path

	for path in /run/rosenpass/*.sock "${XDG_RUNTIME_DIR:-/nowhere}"/rosenpass/*.sock; do
		[ ! -S "$path" ] || basename "$path" .sock
	done
	for path in /run/rosenpass/*/; do
		[ ! -d "$path" ] || basename "$path"
	done
}

# What can stand after the words "$@" of `rosenpass exchange`, or after `peer` where the first of them is peer:
# words to choose from, or a kind.
_rosenpass_grammar()
{
	local part=own expect='' used=' ' word

	for word in "$@"; do
		if [ -n "$expect" ]; then
			case $expect in
			device) expect=key ;;
			key) expect='' part=extra used=' ' ;;
			*) expect='' ;;
			esac
			continue
		fi
		case $part:$word in
		*:peer) part=peer used=' ' ;;
		own:public-key | own:secret-key | own:private-key | peer:public-key | peer:preshared-key | peer:outfile)
			expect='file'
			used+="$word "
			;;
		own:listen) expect=any ;;
		own:fwmark) expect='mark' used+="$word " ;;
		peer:osk-label) expect=any ;;
		peer:endpoint | peer:name | peer:outfile-mode | peer:outfile-group | peer:osk-organization | extra:endpoint | extra:persistent-keepalive | extra:allowed-ips)
			expect='any'
			used+="$word "
			;;
		peer:protocol-version)
			expect='version'
			used+="$word "
			;;
		peer:wireguard) expect=device ;;
		*) used+="$word " ;;
		esac
	done
	if [ -n "$expect" ]; then
		echo "<$expect>"
		return
	fi
	case $part in
	own) set -- public-key secret-key listen fwmark verbose peer ;;
	peer) set -- public-key endpoint preshared-key outfile outfile-mode outfile-group name protocol-version osk-organization osk-label wireguard peer ;;
	extra) set -- endpoint persistent-keepalive allowed-ips peer ;;
	esac
	case $used in
	*' private-key '*) used+='secret-key ' ;;
	esac
	for word in "$@"; do
		case $used in
		*" $word "*) ;;
		*) echo "$word" ;;
		esac
	done
}

# Fills COMPREPLY with what begins with $2 of a kind, or of the words $1.
_rosenpass_offer()
{
	local words=$1

	case $words in
	'<file>' | '<folder>')
		compopt -o filenames 2>/dev/null || true
		if [ "$words" = '<file>' ]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$2")
		else
			mapfile -t COMPREPLY < <(compgen -d -- "$2")
		fi
		return
		;;
	'<level>') words='off error warn info debug trace' ;;
	'<format>') words='text json' ;;
	'<shell>') words='bash zsh fish' ;;
	'<version>') words='V02 V03' ;;
	'<mark>') words='auto off' ;;
	'<user>') words=$(compgen -u) ;;
	'<daemon>') words=$(_rosenpass_daemons | sort -u) ;;
	'<device>') words=$(cd /sys/class/net 2>/dev/null && echo *) ;;
	'<'*) words='' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

# The words after a command, options left out: $1 is the command.
_rosenpass_argument()
{
	local command=$1

	shift
	case $command in
	exchange-config | gen-config | gen-keys | validate | fingerprint | convert-secret-key) echo '<file>' ;;
	exchange) _rosenpass_grammar "$@" ;;
	status | metrics | reload) [ $# -gt 0 ] || echo '<daemon>' ;;
	peer)
		case ${1-} in
		'') echo list add remove ;;
		add) _rosenpass_grammar peer "${@:2}" | grep -vx peer ;;
		list) [ $# -gt 1 ] || echo '<daemon>' ;;
		esac
		;;
	man) [ $# -gt 0 ] || echo rosenpass rosenpass.toml rosenpass-protocol ;;
	help) [ $# -gt 0 ] || echo "$_rosenpass_commands" ;;
	esac
}

_rosenpass()
{
	local current=${COMP_WORDS[COMP_CWORD]} command=- kind='' word i
	local -a arguments=()

	COMPREPLY=()
	# bash takes "=" for a word of its own.
	[ "$current" != = ] || current=''
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$word" = = ]; then
			continue
		elif [ -n "$kind" ]; then
			kind=''
		elif [[ $word == -* && ($command != exchange || ${#arguments[@]} -eq 0) ]]; then
			kind=$(_rosenpass_value_of "$command" "$word")
		elif [ "$command" = - ]; then
			command=$word
		else
			arguments+=("$word")
		fi
	done
	if [ -n "$kind" ]; then
		_rosenpass_offer "<$kind>" "$current"
	elif [[ $current == -* ]]; then
		_rosenpass_offer "$(_rosenpass_options "$command" | sed 's/=[a-z]*//g')" "$current"
	elif [ "$command" = - ]; then
		_rosenpass_offer "$_rosenpass_commands" "$current"
	else
		_rosenpass_offer "$(_rosenpass_argument "$command" "${arguments[@]}")" "$current"
	fi
}

complete -F _rosenpass rosenpass
