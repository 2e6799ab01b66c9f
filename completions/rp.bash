# Completions of rp for bash.

# Options, line by line: the command ("-" for those before it), then its options; VALUE after "=" says what follows one.
_rp_options()
{
	local command options

	while IFS=: read -r command options; do
		[ "$command" != "$1" ] || echo "$options"
	done <<-'TABLE'
		-:-h --help -V --version
		genkey:-h --help
		pubkey:-h --help
		exchange:--adopt --replace-routes --user=user --no-sandbox -h --help
		exchange-config:--adopt --replace-routes --user=user --no-sandbox -h --help
		status:-h --help
		validate:-h --help
		help:
	TABLE
}

_rp_commands='genkey pubkey exchange exchange-config status validate help'

# The kind of value that option $2 of command $1 takes; nothing when it takes none.
_rp_value_of()
{
	local option

	for option in $(_rp_options "$1"); do
		case $option in
		"$2"=*) echo "${option#*=}" ;;
		esac
	done
}

# What can stand after the words "$@" of `rp exchange`: words to choose from, or a kind.
_rp_grammar()
{
	local part=own expect=folder used=' ' word

	for word in "$@"; do
		if [ -n "$expect" ]; then
			expect=''
			continue
		fi
		case $part:$word in
		*:peer) part=peer used=' ' expect=folder ;;
		own:dev) expect=device used+="$word " ;;
		own:ip) expect=any ;;
		own:listen | own:mtu) expect=any used+="$word " ;;
		own:fwmark) expect=mark used+="$word " ;;
		peer:endpoint | peer:persistent-keepalive | peer:allowed-ips | peer:name) expect=any used+="$word " ;;
		peer:protocol-version) expect=version used+="$word " ;;
		*) used+="$word " ;;
		esac
	done
	if [ -n "$expect" ]; then
		echo "<$expect>"
		return
	fi
	case $part in
	own) set -- dev ip listen mtu fwmark verbose peer ;;
	peer) set -- endpoint persistent-keepalive allowed-ips name protocol-version peer ;;
	esac
	for word in "$@"; do
		case $used in
		*" $word "*) ;;
		*) echo "$word" ;;
		esac
	done
}

# Fills COMPREPLY with what begins with $2 of a kind, or of the words $1.
_rp_offer()
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
	'<version>') words='V02 V03' ;;
	'<mark>') words='auto off' ;;
	'<user>') words=$(compgen -u) ;;
	'<device>') words=$(cd /sys/class/net 2>/dev/null && echo *) ;;
	'<'*) words='' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

# The words after a command, options left out: $1 is the command.
_rp_argument()
{
	local command=$1

	shift
	case $command in
	genkey) [ $# -gt 0 ] || echo '<folder>' ;;
	pubkey) [ $# -gt 1 ] || echo '<folder>' ;;
	exchange) _rp_grammar "$@" ;;
	exchange-config) [ $# -gt 0 ] || echo '<file>' ;;
	status) [ $# -gt 0 ] || echo '<device>' ;;
	validate) echo '<file>' ;;
	help) [ $# -gt 0 ] || echo "$_rp_commands" ;;
	esac
}

_rp()
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
		elif [[ $word == -* && ${#arguments[@]} -eq 0 ]]; then
			kind=$(_rp_value_of "$command" "$word")
		elif [ "$command" = - ]; then
			[ "$word" = verbose ] || [ "$word" = explain ] || command=$word
		else
			arguments+=("$word")
		fi
	done
	if [ -n "$kind" ]; then
		_rp_offer "<$kind>" "$current"
	elif [[ $current == -* ]]; then
		_rp_offer "$(_rp_options "$command" | sed 's/=[a-z]*//g')" "$current"
	elif [ "$command" = - ]; then
		_rp_offer "verbose $_rp_commands" "$current"
	else
		_rp_offer "$(_rp_argument "$command" "${arguments[@]}")" "$current"
	fi
}

complete -F _rp rp
