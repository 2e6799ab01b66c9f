# Completions of rp for fish.

# The words up to the cursor, from the command on.
function __rp_words
    set -l words (commandline -opc)
    set -e words[1]
    while string match -q -r -- '^(-.*|verbose|explain)$' "$words[1]"
        set -e words[1]
    end
    for word in $words
        echo -- $word
    end
end

function __rp_no_command
    test (count (__rp_words)) -eq 0
end

# Whether the command is one of these.
function __rp_in
    set -l words (__rp_words)
    contains -- "$words[1]" $argv
end

# The words after the command without its options, which come first.
function __rp_arguments
    set -l words (__rp_words)
    set -e words[1]
    while string match -q -- '-*' "$words[1]"
        test "$words[1]" = --user
        and set -e words[1]
        set -e words[1]
    end
    for word in $words
        echo -- $word
    end
end

# Whether there are less than so many.
function __rp_fewer_than
    test (count (__rp_arguments)) -lt $argv[1]
end

function __rp_devices
    for path in /sys/class/net/*
        basename $path
    end
end

function __rp_own_words
    echo dev\t'what the interface is called'
    echo ip\t'an address that it gets'
    echo listen\t'UDP address to wait on'
    echo mtu\t'bytes that a packet may have'
    echo fwmark\t'mark of our packets'
    echo verbose\t'log every exchange'
    echo peer\t'a peer follows'
end

function __rp_peer_words
    echo endpoint\t'where the peer waits'
    echo persistent-keepalive\t'seconds between empty packets'
    echo allowed-ips\t'addresses behind the peer'
    echo name\t'what the peer is called'
    echo protocol-version\t'allow only one version'
    echo peer\t'another peer follows'
end

# What can stand next in `exchange`.
function __rp_grammar
    set -l part own
    set -l expect folder
    set -l used
    for word in (__rp_arguments)
        if test -n "$expect"
            set expect ''
            continue
        end
        switch "$part:$word"
            case '*:peer'
                set part peer
                set used
                set expect folder
                continue
            case own:ip
                set expect any
                continue
            case own:dev
                set expect device
            case own:fwmark
                set expect mark
            case own:listen own:mtu peer:endpoint peer:persistent-keepalive peer:allowed-ips peer:name
                set expect any
            case peer:protocol-version
                set expect version
        end
        set -a used $word
    end
    set -l offered
    switch "$expect:$part"
        case 'folder:*'
            __fish_complete_directories (commandline -ct)
        case 'device:*'
            __rp_devices
        case 'mark:*'
            printf '%s\n' auto off
        case 'version:*'
            printf '%s\n' V02 V03
        case ':own'
            set offered (__rp_own_words)
        case ':peer'
            set offered (__rp_peer_words)
    end
    for line in $offered
        contains -- (string split -m 1 \t -- $line)[1] $used
        or echo $line
    end
end

complete -c rp -f

# Before the command.
complete -c rp -n __rp_no_command -a verbose -d 'log every exchange'
complete -c rp -n __rp_no_command -s V -l version -d 'show the version'
complete -c rp -n 'not __rp_in help' -s h -l help -d 'show the usage'

# Commands.
function __rp_commands
    echo genkey\t'make private keys'
    echo pubkey\t'make the public keys that belong to them'
    echo exchange\t'make a VPN with everything on the command line'
    echo exchange-config\t'make a VPN with a configuration file'
    echo status\t'show how a VPN and its peers are'
    echo validate\t'look for mistakes in configurations'
    echo help\t'show the usage of a command'
end
complete -c rp -n __rp_no_command -a '(__rp_commands)'

# Options of commands.
complete -c rp -n '__rp_in exchange exchange-config' -l adopt -d 'use the interface if it exists'
complete -c rp -n '__rp_in exchange exchange-config' -l replace-routes -d 'replace routes of others, until the end'
complete -c rp -n '__rp_in exchange exchange-config' -l user -x -a '(__fish_complete_users)' -d 'whom root becomes in the process that faces the network'
complete -c rp -n '__rp_in exchange exchange-config' -l no-sandbox -d 'let that process do what its user may'

# Arguments of commands.
complete -c rp -n '__rp_in genkey; and __rp_fewer_than 1' -a '(__fish_complete_directories (commandline -ct))'
complete -c rp -n '__rp_in pubkey; and __rp_fewer_than 2' -a '(__fish_complete_directories (commandline -ct))'
complete -c rp -n '__rp_in exchange' -a '(__rp_grammar)'
complete -c rp -n '__rp_in exchange-config; and __rp_fewer_than 1' -F
complete -c rp -n '__rp_in validate' -F
complete -c rp -n '__rp_in status; and __rp_fewer_than 1' -a '(__rp_devices)'
complete -c rp -n '__rp_in help; and __rp_fewer_than 1' -a '(__rp_commands)'
