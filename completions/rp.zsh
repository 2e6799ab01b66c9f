#compdef rp
# Completions of rp for zsh.

_rp_devices()
{
	local expl

	_wanted interfaces expl 'network interface' compadd /sys/class/net/*(N:t)
}

# The words of `rp exchange` up to the cursor.
_rp_grammar()
{
	local part=own expect=folder word
	local -a used own peer

	own=(
		'dev:what the interface is called'
		'ip:an address that it gets'
		'listen:UDP address to wait on'
		'mtu:bytes that a packet may have'
		'fwmark:mark of our packets'
		'verbose:log every exchange'
		'peer:a peer follows'
	)
	peer=(
		'endpoint:where the peer waits'
		'persistent-keepalive:seconds between empty packets'
		'allowed-ips:addresses behind the peer'
		'name:what the peer is called'
		'protocol-version:allow only one version'
		'peer:another peer follows'
	)
	for word in ${words[1,CURRENT - 1]}; do
		if [[ -n $expect ]]; then
			expect=
			continue
		fi
		case $part:$word in
		(*:peer) part=peer used=() expect=folder ;;
		(own:dev) expect=device used+=($word) ;;
		(own:ip) expect=any ;;
		(own:fwmark) expect=mark used+=($word) ;;
		(own:(listen|mtu)|peer:(endpoint|persistent-keepalive|allowed-ips|name)) expect=any used+=($word) ;;
		(peer:protocol-version) expect=version used+=($word) ;;
		(*) used+=($word) ;;
		esac
	done
	for word in $used; do
		own=(${own:#$word:*})
		peer=(${peer:#$word:*})
	done
	case $expect:$part in
	(folder:*) _files -/ ;;
	(device:*) _rp_devices ;;
	(version:*) _values 'version of the protocol' V02 V03 ;;
	(mark:*) _values mark auto off ;;
	(any:*) _message value ;;
	(:own) _describe -t words word own ;;
	(:peer) _describe -t words word peer ;;
	esac
}

# The arguments of a command, which is the first of the words.
_rp_command()
{
	local -a help

	help=('(-h --help)'{-h,--help}'[show the usage]')
	case $words[1] in
	(genkey)
		_arguments -S $help '1:folder:_files -/'
		;;
	(pubkey)
		_arguments -S $help '1:folder with private keys:_files -/' '2:folder to make:_files -/'
		;;
	(exchange)
		_arguments -S -A '-*' $help \
			'--adopt[use the interface if it exists]' \
			'--replace-routes[replace routes of others, until the end]' \
			'--user=[whom root becomes in the process that faces the network]:user:_users' \
			'--no-sandbox[let that process do what its user may]' \
			'*::word: _rp_grammar'
		;;
	(exchange-config)
		_arguments -S $help \
			'--adopt[use the interface if it exists]' \
			'--replace-routes[replace routes of others, until the end]' \
			'--user=[whom root becomes in the process that faces the network]:user:_users' \
			'--no-sandbox[let that process do what its user may]' \
			'1:configuration:_files'
		;;
	(status)
		_arguments -S $help '1:interface:_rp_devices'
		;;
	(validate)
		_arguments -S $help '*:configuration:_files'
		;;
	(help)
		_arguments '1:command:_rp_commands'
		;;
	(verbose|explain)
		_arguments '1:command:_rp_commands' '*::argument:_rp_command'
		;;
	esac
}

_rp_commands()
{
	local -a commands

	commands=(
		'genkey:make private keys'
		'pubkey:make the public keys that belong to them'
		'exchange:make a VPN with everything on the command line'
		'exchange-config:make a VPN with a configuration file'
		'status:show how a VPN and its peers are'
		'validate:look for mistakes in configurations'
		'help:show the usage of a command'
	)
	_describe -t commands command commands
}

_rp_flags()
{
	local -a flags

	flags=('verbose:log every exchange')
	_describe -t flags flag flags
	_rp_commands
}

_rp()
{
	_arguments -S -A '-*' \
		'(-h --help)'{-h,--help}'[show commands and options]' \
		'(-V --version)'{-V,--version}'[show the version]' \
		'1:command:_rp_flags' \
		'*::argument:_rp_command'
}

_rp "$@"
