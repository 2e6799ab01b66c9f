#compdef rosenpass
# Completions of rosenpass for zsh.

# The daemons that have a socket, or a folder for one that only root can look into.
_rosenpass_daemons()
{
	local -aU names
	local expl

	names=(
		/run/rosenpass/*.sock(N=:t:r)
		${XDG_RUNTIME_DIR:-/nowhere}/rosenpass/*.sock(N=:t:r)
		/run/rosenpass/*(N/:t)
	)
	_wanted daemons expl daemon compadd -a names
}

_rosenpass_interfaces()
{
	local expl

	_wanted interfaces expl 'network interface' compadd /sys/class/net/*(N:t)
}

# The words of `rosenpass exchange` up to the cursor, or where $1 is peer, those of one peer after the first word.
_rosenpass_grammar()
{
	local part=${1:-own} expect= word
	local -a used own peer extra
	local first=$(( ${+1} + 1 ))

	own=(
		'public-key:our public key'
		'secret-key:our secret key'
		'listen:UDP address to wait on'
		'fwmark:mark of our packets'
		'verbose:log every exchange'
		'peer:a peer follows'
	)
	peer=(
		'public-key:the public key of the peer'
		'endpoint:where the peer waits'
		'preshared-key:32 bytes that both sides share beforehand'
		'outfile:file that gets each new key'
		'outfile-mode:mode of an outfile that does not exist yet'
		'outfile-group:group of an outfile that does not exist yet'
		'name:what the peer is called'
		'protocol-version:allow only one version'
		'osk-organization:who says what the key is for'
		'osk-label:what the key is for'
		'wireguard:make it the preshared key of a WireGuard peer'
	)
	extra=(
		'endpoint:where the WireGuard of the peer waits'
		'persistent-keepalive:seconds after which something is sent'
		'allowed-ips:addresses behind the peer'
	)
	if [[ $part == own ]]; then
		extra+=('peer:another peer follows')
		peer+=('peer:another peer follows')
	fi
	for word in ${words[first,CURRENT - 1]}; do
		if [[ -n $expect ]]; then
			case $expect in
			(device) expect=key ;;
			(key) expect= part=extra used=() ;;
			(*) expect= ;;
			esac
			continue
		fi
		case $part:$word in
		(*:peer) part=peer used=() ;;
		(*:--daemon) expect=any ;;
		(own:(public-key|secret-key|private-key)|peer:(public-key|preshared-key|outfile)) expect=file used+=($word) ;;
		(own:listen|peer:osk-label) expect=any ;;
		(peer:(endpoint|name|outfile-mode|outfile-group|osk-organization)|extra:*) expect=any used+=($word) ;;
		(own:fwmark) expect=mark used+=($word) ;;
		(peer:protocol-version) expect=version used+=($word) ;;
		(peer:wireguard) expect=device ;;
		(*) used+=($word) ;;
		esac
	done
	(( ${used[(Ie)private-key]} )) && used+=(secret-key)
	for word in $used; do
		own=(${own:#$word:*})
		peer=(${peer:#$word:*})
		extra=(${extra:#$word:*})
	done
	case $expect:$part in
	(file:*) _files ;;
	(device:*) _rosenpass_interfaces ;;
	(version:*) _values 'version of the protocol' V02 V03 ;;
	(mark:*) _values mark auto off ;;
	(key:*) _message 'WireGuard public key' ;;
	(any:*) _message value ;;
	(:own) _describe -t words word own ;;
	(:peer) _describe -t words word peer ;;
	(:extra) _describe -t words word extra ;;
	esac
}

_rosenpass_verbs()
{
	local -a verbs

	verbs=(
		'list:list the peers of a running daemon'
		'add:give it one more'
		'remove:take one away'
	)
	_describe -t verbs verb verbs
}

# The arguments of a verb of `rosenpass peer`, which is the first of the words.
_rosenpass_peer()
{
	case $words[1] in
	(list) _arguments '1:daemon:_rosenpass_daemons' ;;
	(add) _arguments -S $peer_options '*:word: _rosenpass_grammar peer' ;;
	(remove) _arguments -S $peer_options '1:peer:' ;;
	esac
}

# The arguments of a command, which is the first of the words.
_rosenpass_command()
{
	local -a help peer_options

	help=('(-h --help)'{-h,--help}'[show the usage]')
	case $words[1] in
	(exchange-config)
		_arguments -S $help \
			'--name=[name of the daemon]:name:' \
			'--user=[whom root becomes in the process that faces the network]:user:_users' \
			'--before-first-exchange=[preshared keys before the first exchange]:word:(block leave)' \
			'--on-exit=[the last keys when the daemon ends]:word:(keep random)' \
			'--no-sandbox[let that process do what its user may]' \
			'1:configuration:_files'
		;;
	(exchange)
		_arguments -S -A '-*' $help \
			'(-c --config-file)'{-c,--config-file=}'[write a configuration that says the same]:file:_files' \
			'--name=[name of the daemon]:name:' \
			'--user=[whom root becomes in the process that faces the network]:user:_users' \
			'--before-first-exchange=[preshared keys before the first exchange]:word:(block leave)' \
			'--on-exit=[the last keys when the daemon ends]:word:(keep random)' \
			'--no-sandbox[let that process do what its user may]' \
			'*::word: _rosenpass_grammar'
		;;
	(gen-config)
		_arguments -S $help \
			'(-f --force)'{-f,--force}'[replace a file that is there]' \
			'1:file:_files'
		;;
	(gen-keys)
		_arguments -S $help \
			'(-p --public-key)'{-p,--public-key=}'[where the public key goes]:file:_files' \
			'(-s --secret-key)'{-s,--secret-key=}'[where the secret key goes]:file:_files' \
			'(-f --force)'{-f,--force}'[replace files that are there]' \
			'1:configuration:_files'
		;;
	(validate)
		_arguments -S $help '*:configuration:_files'
		;;
	(status)
		_arguments -S $help \
			'--json[print it as JSON]' \
			'--watch[show it again every second]' \
			'1:daemon:_rosenpass_daemons'
		;;
	(metrics)
		_arguments -S $help '1:daemon:_rosenpass_daemons'
		;;
	(reload)
		_arguments -S $help '1:daemon:_rosenpass_daemons'
		;;
	(peer)
		peer_options=(
			'--daemon=[the daemon, where more than one runs]:daemon:_rosenpass_daemons'
		)
		_arguments -S -A '-*' $help \
			'1:verb:_rosenpass_verbs' \
			'*::argument: _rosenpass_peer'
		;;
	(fingerprint)
		_arguments -S $help \
			'(-c --check -p --peer-id)'{-c,--check=}'[compare a file with these words]:words:' \
			'(-c --check -p --peer-id)'{-p,--peer-id}'[print the peer ids instead]' \
			'*:public key:_files'
		;;
	(convert-secret-key)
		_arguments -S $help \
			'(-f --force)'{-f,--force}'[replace a file that is there]' \
			'1:from:_files' '2:to:_files'
		;;
	(man)
		_arguments -S $help '1:page:(rosenpass rosenpass.toml rosenpass-protocol)'
		;;
	(help)
		_arguments '1:command:_rosenpass_commands'
		;;
	esac
}

_rosenpass_commands()
{
	local -a commands

	commands=(
		'exchange-config:run a daemon with a configuration file'
		'exchange:run a daemon with everything on the command line'
		'gen-config:write a configuration to start from'
		'gen-keys:make a key pair'
		'validate:look for mistakes in configurations'
		'status:show how a daemon and its peers are'
		'metrics:the same as numbers for Prometheus'
		'reload:make a daemon read its configuration again'
		'peer:list, add or remove peers of a running daemon'
		'fingerprint:print words by which a public key can be compared'
		'convert-secret-key:from or to the layout of 0.2.x software'
		'man:show a manual page'
		'help:show the usage of a command'
	)
	_describe -t commands command commands
}

_rosenpass()
{
	_arguments -S -A '-*' \
		'(-v --verbose -q --quiet)--log-level=[which log lines to write]:level:(off error warn info debug trace)' \
		'(-v --verbose -q --quiet --log-level)'{-v,--verbose}'[as --log-level debug]' \
		'(-v --verbose -q --quiet --log-level)'{-q,--quiet}'[as --log-level warn]' \
		'--log-format=[form of log lines]:format:(text json)' \
		'--generate-manpage=[write the manual pages]:folder:_files -/' \
		'--print-completions=[write completions]:shell:(bash zsh fish)' \
		'(-h --help)'{-h,--help}'[show commands and options]' \
		'(-V --version)'{-V,--version}'[show the version]' \
		'1:command:_rosenpass_commands' \
		'*::argument:_rosenpass_command'
}

_rosenpass "$@"
