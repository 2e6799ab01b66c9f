#include "rp/commands.h"

#include <string.h>

#include "rp/help.h"

static const char genkey_text[] =
	"Create private keys in a directory, which is created if it does not exist\n"
	"\n"
	"  DIR         gets wgsk (WireGuard), pqsk and pqpk (Rosenpass); existing keys are kept\n"
	"  -h, --help  show this\n"
	"\n"
	"Keep DIR secret: rp pubkey writes the files for the peers.\n";

static const char pubkey_text[] = "Write the public keys that belong to private keys into a directory\n"
				  "\n"
				  "  PRIVATE_DIR  a directory as created by rp genkey\n"
				  "  PUBLIC_DIR   gets wgpk and pqpk: new, or empty\n"
				  "  -h, --help   show this\n"
				  "\n"
				  "Give PUBLIC_DIR to the peers over a channel nobody can tamper with.\n";

static const char exchange_usage[] =
	"exchange [OPTION]... PRIVATE_KEYS_DIR [SETTING]... [peer PUBLIC_KEYS_DIR [SETTING]...]...";

static const char exchange_text[] =
	"Run a VPN until it is stopped: create an interface and give keys to its peers\n"
	"\n"
	"  PRIVATE_KEYS_DIR              our keys, as created by rp genkey\n"
	"  dev DEVICE                    name of the interface (default: rosenpass0)\n"
	"  ip ADDRESS                    of the interface, as fc00::1/64; several with commas or repeated\n"
	"  listen ADDRESS:PORT           UDP address to listen on; PORT alone is [::]:PORT.\n"
	"                                WireGuard uses the next port\n"
	"  mtu BYTES                     of the interface (default: what the path to the peers allows)\n"
	"  fwmark MARK                   of WireGuard's packets and ours: auto (default), off, or a number\n"
	"  verbose                       log every key exchange\n"
	"\n"
	"  peer PUBLIC_KEYS_DIR          the peer's keys, as created by rp pubkey; if it contains\n"
	"                                a file psk, both sides need the same\n"
	"  endpoint HOST:PORT            address of the peer, its listen setting; without it, the\n"
	"                                peer has to initiate\n"
	"  persistent-keepalive SECONDS  interval of WireGuard packets that keep NAT mappings alive\n"
	"  allowed-ips PREFIX,...        addresses behind the peer, routed to the peer\n"
	"  name NAME                     name of the peer in log lines and status\n"
	"  protocol-version WORD         allow only the dialects of V02 or V03\n"
	"\n"
	"      --adopt       use an existing DEVICE and change only our peers\n"
	"      --replace-routes\n"
	"                    replace conflicting routes of other software while the VPN runs\n"
	"      --user USER   if root starts rp: user of the network-facing process\n"
	"      --no-sandbox  for debugging: do not restrict the network-facing process\n"
	"  -h, --help        show this\n";

static const char exchange_config_text[] =
	"Run a VPN as configured in a file\n"
	"\n"
	"      --adopt       use an existing interface and change only our peers\n"
	"      --replace-routes\n"
	"                    replace conflicting routes of other software while the VPN runs\n"
	"      --user USER   if root starts rp: user of the network-facing process\n"
	"      --no-sandbox  for debugging: do not restrict the network-facing process\n"
	"  -h, --help        show this\n"
	"\n"
	"man rp.toml describes the file.\n";

static const char status_text[] = "Show the state of a running VPN and its peers\n"
				  "\n"
				  "  -h, --help  show this\n"
				  "\n"
				  "Without DEVICE, all running VPNs are shown.\n";

static const char validate_text[] =
	"Check configuration files and the key files that they name\n"
	"\n"
	"  -h, --help  show this\n"
	"\n"
	"If there is a problem, the exit status is 1. A configuration of rosenpass is\n"
	"recognized and checked as such.\n";

static const char help_text[] = "Show the usage of the program or of a command\n";

static int run_help(int count, char **words)
{
	if (count > 2)
		return commands_usage_error("help", "one command at a time");
	return help_show(commands, count > 1 ? words[1] : NULL);
}

const struct command commands[] = {
	{ "genkey", command_genkey, "create private keys", "genkey DIR", genkey_text },
	{ "pubkey", command_pubkey, "write the public keys that belong to them",
	  "pubkey PRIVATE_DIR PUBLIC_DIR", pubkey_text },
	{ "exchange", command_exchange, "run a VPN configured on the command line", exchange_usage,
	  exchange_text },
	{ "exchange-config", command_exchange_config, "run a VPN configured in a file",
	  "exchange-config [OPTION]... FILE", exchange_config_text },
	{ "status", command_status, "show the state of a running VPN and its peers", "status [DEVICE]",
	  status_text },
	{ "validate", command_validate, "check configuration files and their keys", "validate FILE...",
	  validate_text },
	{ "help", run_help, "show this, or the usage of a command", "help [COMMAND]", help_text },
	{ 0 },
};
