#include "rp/commands.h"

#include <string.h>

#include "rp/help.h"

static const char genkey_text[] =
	"Make private keys in a folder, which is made if it is not there\n"
	"\n"
	"  DIR         gets wgsk (WireGuard), pqsk and pqpk (Rosenpass); keys that it has are kept\n"
	"  -h, --help  show this\n"
	"\n"
	"Nobody else may get DIR: rp pubkey makes what the peers need.\n";

static const char pubkey_text[] = "Make a folder with the public keys that belong to private ones\n"
				  "\n"
				  "  PRIVATE_DIR  a folder made by rp genkey\n"
				  "  PUBLIC_DIR   gets wgpk and pqpk: new, or empty\n"
				  "  -h, --help   show this\n"
				  "\n"
				  "Give PUBLIC_DIR to the peers by a way on which nobody can exchange it.\n";

static const char exchange_usage[] =
	"exchange [OPTION]... PRIVATE_KEYS_DIR [WORD]... [peer PUBLIC_KEYS_DIR [WORD]...]...";

static const char exchange_text[] =
	"Make a VPN: an interface, and keys for its peers until it is stopped\n"
	"\n"
	"  PRIVATE_KEYS_DIR              our keys, made by rp genkey\n"
	"  dev DEVICE                    what the interface is called (default: rosenpass0)\n"
	"  ip ADDRESS                    that the interface gets, as fc00::1/64; several, or with commas\n"
	"  listen ADDRESS:PORT           where to wait for peers; PORT alone is [::]:PORT.\n"
	"                                WireGuard has the port after it\n"
	"  mtu BYTES                     of the interface (default: what the path to the peers allows)\n"
	"  fwmark MARK                   of WireGuard's packets and ours: auto (default), off, or a number\n"
	"  verbose                       log every exchange\n"
	"\n"
	"  peer PUBLIC_KEYS_DIR          the peer's keys, made by rp pubkey; with a file psk in it,\n"
	"                                both sides need the same\n"
	"  endpoint HOST:PORT            where the peer waits, which is its listen; without it, the\n"
	"                                peer has to call\n"
	"  persistent-keepalive SECONDS  let WireGuard send something that often, for routers' sake\n"
	"  allowed-ips PREFIX,...        addresses behind the peer, which are routed to it\n"
	"  name NAME                     what log and status call the peer\n"
	"  protocol-version WORD         only dialects of this version, V02 or V03\n"
	"\n"
	"      --adopt       use DEVICE if it exists, and leave alone what is not ours there\n"
	"      --replace-routes\n"
	"                    replace routes of others that are in the way, until the end\n"
	"      --user USER   started by root: whom the process becomes that reads from the network\n"
	"      --no-sandbox  for debugging: let that process do what its user may\n"
	"  -h, --help        show this\n";

static const char exchange_config_text[] =
	"Make a VPN as a configuration file says\n"
	"\n"
	"      --adopt       use the interface if it exists, and leave alone what is not ours there\n"
	"      --replace-routes\n"
	"                    replace routes of others that are in the way, until the end\n"
	"      --user USER   started by root: whom the process becomes that reads from the network\n"
	"      --no-sandbox  for debugging: let that process do what its user may\n"
	"  -h, --help        show this\n"
	"\n"
	"man rp.toml describes the file.\n";

static const char status_text[] = "Show how a running VPN and its peers are\n"
				  "\n"
				  "  -h, --help  show this\n"
				  "\n"
				  "Without DEVICE: all that run.\n";

static const char validate_text[] =
	"Check configuration files and the key files that they name\n"
	"\n"
	"  -h, --help  show this\n"
	"\n"
	"The exit status is 1 when anything is wrong. A configuration of rosenpass is\n"
	"recognized, and checked as one.\n";

static const char help_text[] = "Show the usage of the program or of a command\n";

static int run_help(int count, char **words)
{
	if (count > 2)
		return commands_usage_error("help", "one command at a time");
	return help_show(commands, count > 1 ? words[1] : NULL);
}

const struct command commands[] = {
	{ "genkey", command_genkey, "make private keys", "genkey DIR", genkey_text },
	{ "pubkey", command_pubkey, "make the public keys that belong to them",
	  "pubkey PRIVATE_DIR PUBLIC_DIR", pubkey_text },
	{ "exchange", command_exchange, "make a VPN as the command line says", exchange_usage,
	  exchange_text },
	{ "exchange-config", command_exchange_config, "make a VPN as a configuration file says",
	  "exchange-config [OPTION]... FILE", exchange_config_text },
	{ "status", command_status, "show how a running VPN and its peers are", "status [DEVICE]",
	  status_text },
	{ "validate", command_validate, "check configuration files and their keys", "validate FILE...",
	  validate_text },
	{ "help", run_help, "show this, or the usage of a command", "help [COMMAND]", help_text },
	{ 0 },
};
