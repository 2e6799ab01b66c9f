#include "rosenpass/commands.h"

#include <string.h>

#include "rosenpass/help.h"
#include "system/log.h"

static const char exchange_config_text[] =
	"Exchange keys with the peers of a configuration file until it is stopped\n"
	"\n"
	"Usage: rosenpass exchange-config [OPTION]... FILE\n"
	"\n"
	"      --name NAME  name of the daemon for status and reload (default: FILE without directory and "
	".toml)\n"
	"      --user USER  if root starts the daemon: user of the network-facing process\n"
	"      --before-first-exchange block|leave\n"
	"                   replace WireGuard's preshared keys by random keys until the first exchange, or "
	"leave them\n"
	"      --on-exit keep|random\n"
	"                   keep the last keys when the daemon stops, or replace them by random keys\n"
	"      --no-sandbox for debugging: do not restrict the network-facing process\n"
	"  -h, --help       show this\n"
	"\n"
	"man rosenpass.toml describes the file; gen-config writes a commented file.\n";

static const char exchange_text[] =
	"Exchange keys with peers until it is stopped\n"
	"\n"
	"Usage: rosenpass exchange [OPTION]... OWN [PEER]...\n"
	"\n"
	"  OWN  := public-key FILE secret-key FILE [listen ADDRESS:PORT]...\n"
	"          [fwmark MARK] [verbose]\n"
	"  PEER := peer public-key FILE [endpoint HOST:PORT] [preshared-key FILE] [outfile FILE]\n"
	"          [outfile-mode MODE] [outfile-group GROUP] [name NAME] [protocol-version V02|V03]\n"
	"          [osk-organization TEXT osk-label TEXT...]\n"
	"          [wireguard DEVICE KEY [EXTRA]...]\n"
	"  EXTRA := endpoint HOST:PORT | persistent-keepalive SECONDS | allowed-ips PREFIX,...\n"
	"\n"
	"  public-key FILE         a public key as gen-keys writes it: our own, then each peer's\n"
	"  secret-key FILE         our secret key (13608 bytes, or 13568 bytes from 0.2.x software)\n"
	"  listen ADDRESS:PORT     UDP address to listen on, or PORT alone for every address (default: a\n"
	"                          port that the kernel chooses)\n"
	"  fwmark MARK             mark of our packets: auto (default: as the WireGuard interface), off,\n"
	"                          or a number\n"
	"  verbose                 log every key exchange\n"
	"  endpoint HOST:PORT      address of the peer; without it, the peer has to initiate\n"
	"  preshared-key FILE      32 bytes in base64, the same on both sides\n"
	"  outfile FILE            write each new key here in base64, and a random key if it is stale\n"
	"  outfile-mode MODE       mode of an outfile that does not exist yet (default: 0600)\n"
	"  outfile-group GROUP     group of an outfile that does not exist yet\n"
	"  name NAME               name of the peer in log lines and status\n"
	"  protocol-version WORD   allow only the dialects of V02 or V03\n"
	"  osk-organization TEXT   with osk-label: purpose of the key, if not WireGuard\n"
	"  wireguard DEVICE KEY    set each key as the preshared key of this peer of this interface,\n"
	"                          together with EXTRA\n"
	"\n"
	"  -c, --config-file FILE  write an equivalent configuration file\n"
	"      --name NAME         name of the daemon for status (default: exchange-PID)\n"
	"      --user USER         if root starts the daemon: user of the network-facing process\n"
	"      --before-first-exchange block|leave\n"
	"                          replace WireGuard's preshared keys by random keys until the first\n"
	"                          exchange, or leave them\n"
	"      --on-exit keep|random\n"
	"                          keep the last keys when the daemon stops, or replace them by random keys\n"
	"      --no-sandbox        for debugging: do not restrict the network-facing process\n"
	"  -h, --help              show this\n"
	"\n"
	"Each change of an outfile is reported on standard output:\n"
	"  output-key peer ID key-file \"FILE\" exchanged|stale\n";

static const char gen_config_text[] = "Write a configuration file to start from\n"
				      "\n"
				      "Usage: rosenpass gen-config [-f] FILE\n"
				      "\n"
				      "  -f, --force  replace an existing file\n"
				      "  -h, --help   show this\n";

static const char gen_keys_text[] =
	"Create a key pair\n"
	"\n"
	"Usage: rosenpass gen-keys [OPTION]... [CONFIG-FILE]\n"
	"\n"
	"  -p, --public-key FILE  file for the public key (524160 bytes)\n"
	"  -s, --secret-key FILE  file for the secret key (13608 bytes, mode 0600)\n"
	"  -f, --force            replace existing files\n"
	"  -h, --help             show this\n"
	"\n"
	"With CONFIG-FILE the keys go to the files that it names.\n";

static const char validate_text[] = "Check configuration files and the key files that they name\n"
				    "\n"
				    "Usage: rosenpass validate FILE...\n"
				    "\n"
				    "  -h, --help  show this\n"
				    "\n"
				    "If there is a problem, the exit status is 1. A configuration of rp is\n"
				    "recognized and checked as such.\n";

static const char status_text[] = "Show the state of a running daemon and its peers\n"
				  "\n"
				  "Usage: rosenpass status [OPTION]... [NAME]\n"
				  "\n"
				  "      --json   print JSON\n"
				  "      --watch  repeat every second until interrupted\n"
				  "  -h, --help   show this\n"
				  "\n"
				  "Without NAME, all running daemons are shown.\n";

static const char metrics_text[] = "Print the state of a running daemon as Prometheus text\n"
				   "\n"
				   "Usage: rosenpass metrics [NAME]\n"
				   "\n"
				   "  -h, --help  show this\n"
				   "\n"
				   "Without NAME, all running daemons are shown.\n";

static const char reload_text[] =
	"Make a running daemon read its configuration again\n"
	"\n"
	"Usage: rosenpass reload [NAME]\n"
	"\n"
	"  -h, --help  show this\n"
	"\n"
	"If the new configuration is wrong, nothing changes and the exit status is 1.\n";

static const char peer_text[] =
	"List, add or remove peers of a running daemon\n"
	"\n"
	"Usage: rosenpass peer list [NAME]\n"
	"       rosenpass peer add [--daemon NAME] PEER\n"
	"       rosenpass peer remove [--daemon NAME] WHICH\n"
	"\n"
	"  PEER := public-key FILE [endpoint HOST:PORT]... as in rosenpass help exchange\n"
	"  WHICH is the peer's name, number or id (its first 8 characters are enough)\n"
	"\n"
	"      --daemon NAME  name of the daemon, if several daemons run\n"
	"  -h, --help         show this\n"
	"\n"
	"A peer that was added stays until it is removed or the daemon stops.\n";

static const char fingerprint_text[] =
	"Print short words by which two people can compare a public key\n"
	"\n"
	"Usage: rosenpass fingerprint FILE...\n"
	"       rosenpass fingerprint --check WORDS FILE\n"
	"       rosenpass fingerprint --peer-id FILE...\n"
	"\n"
	"  -c, --check WORDS  compare FILE with these words; if they differ, the exit status is 1\n"
	"  -p, --peer-id      print the peer ids instead, as in log lines and status\n"
	"  -h, --help         show this\n"
	"\n"
	"The words are the first 128 bits of the file's BLAKE2b-256 (b2sum -l 256), 16 bits a word: "
	"consonants\n"
	"bdfghjklmnprstvz have 4 bits, vowels aiou 2, in the order consonant, vowel, consonant, vowel, "
	"consonant.\n";

static const char convert_text[] =
	"Convert a secret key between the layouts of 0.2.x software and of later versions\n"
	"\n"
	"Usage: rosenpass convert-secret-key [-f] FROM TO\n"
	"\n"
	"  -f, --force  replace an existing file, which may be FROM itself\n"
	"  -h, --help   show this\n"
	"\n"
	"13568 bytes become 13608, and 13608 become 13568. The key itself does not change.\n";

static const char man_text[] = "Show a manual page\n"
			       "\n"
			       "Usage: rosenpass man [PAGE]\n"
			       "\n"
			       "  -h, --help  show this\n"
			       "\n"
			       "PAGE is rosenpass, rosenpass.toml or rosenpass-protocol.\n";

static const char keygen_text[] = "Create a key pair; deprecated, use gen-keys instead\n"
				  "\n"
				  "Usage: rosenpass keygen public-key FILE secret-key FILE\n";

static const char help_text[] = "Show the usage of the program or of a command\n"
				"\n"
				"Usage: rosenpass help [COMMAND]\n";

static int run_help(int count, char **words)
{
	bool is_verb = count == 3 && strcmp(words[1], "peer") == 0 &&
	               (strcmp(words[2], "list") == 0 || strcmp(words[2], "add") == 0 ||
	                strcmp(words[2], "remove") == 0);

	if (count > 2 && !is_verb) {
		log_error("help: one command at a time");
		return COMMAND_USAGE;
	}
	return help_show(commands, count > 1 ? words[1] : NULL);
}

const struct command commands[] = {
	{ "exchange-config", command_exchange_config, "exchange keys as a configuration file says",
	  exchange_config_text },
	{ "exchange", command_exchange, "exchange keys as the command line says", exchange_text },
	{ "gen-config", command_gen_config, "write a configuration file to start from", gen_config_text },
	{ "gen-keys", command_gen_keys, "create a key pair", gen_keys_text },
	{ "validate", command_validate, "check configuration files and their keys", validate_text },
	{ "status", command_status, "show the state of a running daemon and its peers", status_text },
	{ "metrics", command_metrics, "print the state of a running daemon as Prometheus text",
	  metrics_text },
	{ "reload", command_reload, "make a running daemon read its configuration again", reload_text },
	{ "peer", command_peer, "list, add or remove peers of a running daemon", peer_text },
	{ "fingerprint", command_fingerprint, "print words by which a public key can be compared",
	  fingerprint_text },
	{ "convert-secret-key", command_convert_secret_key, "convert a secret key from or to 0.2.x software",
	  convert_text },
	{ "man", command_man, "show a manual page", man_text },
	{ "help", run_help, "show this, or the usage of a command", help_text },
	{ "keygen", command_keygen, NULL, keygen_text },
	{ NULL, NULL, NULL, NULL },
};
