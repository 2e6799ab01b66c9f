# Completions of rosenpass for fish.

# The words up to the cursor, from the command on.
function __rosenpass_words
    set -l words (commandline -opc)
    set -e words[1]
    while string match -q -- '-*' "$words[1]"
        contains -- $words[1] --log-level --log-format --generate-manpage --print-completions
        and set -e words[1]
        set -e words[1]
    end
    for word in $words
        echo -- $word
    end
end

function __rosenpass_no_command
    test (count (__rosenpass_words)) -eq 0
end

# Whether the command is one of these.
function __rosenpass_in
    set -l words (__rosenpass_words)
    contains -- "$words[1]" $argv
end

# The words after the command without its options. In exchange, options come first; peers may have any value.
function __rosenpass_arguments
    set -l words (__rosenpass_words)
    set -l command $words[1]
    set -l begun
    set -e words[1]
    while set -q words[1]
        if string match -q -- '-*' $words[1]; and not set -q begun[1]
            contains -- $words[1] -c --config-file --name --user -p --public-key -s --secret-key --daemon --check
            and set -e words[1]
        else
            test "$command" = exchange
            and set begun yes
            echo -- $words[1]
        end
        set -e words[1]
    end
end

# Whether the first of them is this one.
function __rosenpass_argument_is
    set -l words (__rosenpass_arguments)
    test "$words[1]" = "$argv[1]"
end

function __rosenpass_first_argument
    test (count (__rosenpass_arguments)) -eq 0
end

# The daemons that have a socket, or a folder for one that only root can look into.
function __rosenpass_daemons
    set -l paths /run/rosenpass/*.sock
    set -a paths /run/rosenpass/*/
    set -q XDG_RUNTIME_DIR
    and set -a paths $XDG_RUNTIME_DIR/rosenpass/*.sock
    for path in $paths
        basename $path .sock
    end | sort -u
end

function __rosenpass_own_words
    echo public-key\t'our public key'
    echo secret-key\t'our secret key'
    echo listen\t'UDP address to wait on'
    echo fwmark\t'mark of our packets'
    echo verbose\t'log every exchange'
    echo peer\t'a peer follows'
end

function __rosenpass_peer_words
    echo public-key\t'the public key of the peer'
    echo endpoint\t'where the peer waits'
    echo preshared-key\t'32 bytes that both sides share beforehand'
    echo outfile\t'file that gets each new key'
    echo outfile-mode\t'mode of an outfile that does not exist yet'
    echo outfile-group\t'group of an outfile that does not exist yet'
    echo name\t'what the peer is called'
    echo protocol-version\t'allow only one version'
    echo osk-organization\t'who says what the key is for'
    echo osk-label\t'what the key is for'
    echo wireguard\t'make it the preshared key of a WireGuard peer'
end

function __rosenpass_extra_words
    echo endpoint\t'where the WireGuard of the peer waits'
    echo persistent-keepalive\t'seconds after which something is sent'
    echo allowed-ips\t'addresses behind the peer'
end

# What can stand next in `exchange`, or after `peer add` where the first argument is peer.
function __rosenpass_grammar
    set -l part own
    set -l expect ''
    set -l used
    set -l words (__rosenpass_arguments)
    if test "$argv[1]" = peer
        set part peer
        set -e words[1]
    end
    for word in $words
        switch "$expect"
            case device
                set expect key
                continue
            case key
                set expect ''
                set part extra
                set used
                continue
            case '?*'
                set expect ''
                continue
        end
        switch "$part:$word"
            case '*:peer'
                set part peer
                set used
                continue
            case own:listen peer:osk-label
                set expect any
                continue
            case own:public-key own:secret-key own:private-key peer:public-key peer:preshared-key peer:outfile
                set expect file
            case peer:endpoint peer:name peer:outfile-mode peer:outfile-group peer:osk-organization 'extra:*'
                set expect any
            case own:fwmark
                set expect mark
            case peer:protocol-version
                set expect version
            case peer:wireguard
                set expect device
        end
        set -a used $word
    end
    contains private-key $used
    and set -a used secret-key
    set -l offered
    switch "$expect:$part"
        case 'file:*'
            __fish_complete_path (commandline -ct)
        case 'device:*'
            path basename /sys/class/net/* 2>/dev/null
            or basename -a /sys/class/net/*
        case 'mark:*'
            printf '%s\n' auto off
        case 'version:*'
            printf '%s\n' V02 V03
        case ':own'
            set offered (__rosenpass_own_words)
        case ':peer'
            set offered (__rosenpass_peer_words)
        case ':extra'
            set offered (__rosenpass_extra_words)
    end
    switch "$expect:$part:$argv[1]"
        case ':peer:' ':extra:'
            set -a offered peer\t'another peer follows'
    end
    for line in $offered
        contains -- (string split -m 1 \t -- $line)[1] $used
        or echo $line
    end
end

complete -c rosenpass -f

# Before the command.
complete -c rosenpass -n __rosenpass_no_command -l log-level -x -a 'off error warn info debug trace' -d 'which log lines to write'
complete -c rosenpass -n __rosenpass_no_command -s v -l verbose -d 'as --log-level debug'
complete -c rosenpass -n __rosenpass_no_command -s q -l quiet -d 'as --log-level warn'
complete -c rosenpass -n __rosenpass_no_command -l log-format -x -a 'text json' -d 'form of log lines'
complete -c rosenpass -n __rosenpass_no_command -l generate-manpage -x -a '(__fish_complete_directories)' -d 'write the manual pages'
complete -c rosenpass -n __rosenpass_no_command -l print-completions -x -a 'bash zsh fish' -d 'write completions'
complete -c rosenpass -n __rosenpass_no_command -s V -l version -d 'show the version'
complete -c rosenpass -n 'not __rosenpass_in help' -s h -l help -d 'show the usage'

# Commands.
function __rosenpass_commands
    echo exchange-config\t'run a daemon with a configuration file'
    echo exchange\t'run a daemon with everything on the command line'
    echo gen-config\t'write a configuration to start from'
    echo gen-keys\t'make a key pair'
    echo validate\t'look for mistakes in configurations'
    echo status\t'show how a daemon and its peers are'
    echo metrics\t'the same as numbers for Prometheus'
    echo reload\t'make a daemon read its configuration again'
    echo peer\t'list, add or remove peers of a running daemon'
    echo fingerprint\t'print words by which a public key can be compared'
    echo convert-secret-key\t'from or to the layout of 0.2.x software'
    echo man\t'show a manual page'
    echo help\t'show the usage of a command'
end
complete -c rosenpass -n __rosenpass_no_command -a '(__rosenpass_commands)'

# Options of commands.
complete -c rosenpass -n '__rosenpass_in exchange' -s c -l config-file -r -F -d 'write a configuration that says the same'
complete -c rosenpass -n '__rosenpass_in exchange-config exchange' -l name -x -d 'name of the daemon'
complete -c rosenpass -n '__rosenpass_in exchange-config exchange' -l user -x -a '(__fish_complete_users)' -d 'whom root becomes in the process that faces the network'
complete -c rosenpass -n '__rosenpass_in exchange-config exchange' -l before-first-exchange -x -a 'block leave' -d 'preshared keys before the first exchange'
complete -c rosenpass -n '__rosenpass_in exchange-config exchange' -l on-exit -x -a 'keep random' -d 'the last keys when the daemon ends'
complete -c rosenpass -n '__rosenpass_in exchange-config exchange' -l no-sandbox -d 'let that process do what its user may'
complete -c rosenpass -n '__rosenpass_in gen-keys' -s p -l public-key -r -F -d 'where the public key goes'
complete -c rosenpass -n '__rosenpass_in gen-keys' -s s -l secret-key -r -F -d 'where the secret key goes'
complete -c rosenpass -n '__rosenpass_in gen-config gen-keys convert-secret-key' -s f -l force -d 'replace files that are there'
complete -c rosenpass -n '__rosenpass_in status' -l json -d 'print it as JSON'
complete -c rosenpass -n '__rosenpass_in status' -l watch -d 'show it again every second'
complete -c rosenpass -n '__rosenpass_in peer' -l daemon -x -a '(__rosenpass_daemons)' -d 'the daemon, where more than one runs'
complete -c rosenpass -n '__rosenpass_in fingerprint' -s c -l check -x -d 'compare a file with these words'
complete -c rosenpass -n '__rosenpass_in fingerprint' -s p -l peer-id -d 'print the peer ids instead'

# Arguments of commands.
complete -c rosenpass -n '__rosenpass_in exchange-config gen-config gen-keys validate fingerprint convert-secret-key' -F
complete -c rosenpass -n '__rosenpass_in exchange' -a '(__rosenpass_grammar)'
complete -c rosenpass -n '__rosenpass_in status metrics reload; and __rosenpass_first_argument' -a '(__rosenpass_daemons)'
complete -c rosenpass -n '__rosenpass_in peer; and __rosenpass_first_argument' -a "list\t'list the peers of a running daemon' add\t'give it one more' remove\t'take one away'"
complete -c rosenpass -n '__rosenpass_in peer; and __rosenpass_argument_is add' -a '(__rosenpass_grammar peer)'
complete -c rosenpass -n '__rosenpass_in peer; and test (count (__rosenpass_arguments)) -eq 1; and __rosenpass_argument_is list' -a '(__rosenpass_daemons)'
complete -c rosenpass -n '__rosenpass_in man; and __rosenpass_first_argument' -a 'rosenpass rosenpass.toml rosenpass-protocol'
complete -c rosenpass -n '__rosenpass_in help; and __rosenpass_first_argument' -a '(__rosenpass_commands)'
