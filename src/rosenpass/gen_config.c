#include "rosenpass/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "system/file.h"
#include "system/log.h"

#define CONFIG_MODE 0666

/* Commented keys stand with a value that is good to be used as it is. */
static const char template[] =
	"# Configuration of rosenpass; rosenpass.toml(5) describes it in full.\n"
	"#\n"
	"#   rosenpass gen-keys FILE         create the key pair that this file names\n"
	"#   rosenpass validate FILE         check this file\n"
	"#   rosenpass exchange-config FILE  exchange keys until stopped\n"
	"#\n"
	"# Relative paths start in the directory where rosenpass is started; ~/ is the home directory.\n"
	"# ${CREDENTIALS_DIRECTORY}, ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} are replaced in paths.\n"
	"\n"
	"# Our own key pair. Peers get the public key; keep the secret key secret.\n"
	"public_key = \"/path/to/rp-public-key\"\n"
	"secret_key = \"/path/to/rp-secret-key\"\n"
	"\n"
	"# UDP addresses to listen on. An empty list means a free port, which is sufficient if all peers\n"
	"# have an endpoint. 0.0.0.0 is every IPv4 address, [::] every IPv6 address.\n"
	"listen = []\n"
	"#listen = [\"0.0.0.0:9999\", \"[::]:9999\"]\n"
	"\n"
	"# \"Quiet\", or \"Verbose\" to log every key exchange.\n"
	"verbosity = \"Quiet\"\n"
	"\n"
	"# If root starts the daemon: the user the network-facing process runs as.\n"
	"#user = \"rosenpass\"\n"
	"\n"
	"# The mark (fwmark) of our packets: \"auto\" uses the mark of the WireGuard interface, so that our\n"
	"# packets bypass a tunnel that takes all packets. Or \"off\", or a number.\n"
	"#fwmark = \"auto\"\n"
	"# Mode and group of key_out files that do not exist yet; a peer may override them.\n"
	"#key_out_mode = \"0640\"\n"
	"#key_out_group = \"daemon\"\n"
	"\n"
	"# Preshared keys in WireGuard before the first exchange: \"leave\" keeps them, \"block\" replaces\n"
	"# them by random keys, so that no tunnel works without a key from Rosenpass.\n"
	"#before_first_exchange = \"leave\"\n"
	"\n"
	"# The last keys when the daemon stops: \"keep\" leaves them, \"random\" replaces them.\n"
	"#on_exit = \"keep\"\n"
	"\n"
	"# One such table for each peer.\n"
	"[[peers]]\n"
	"# The name of the peer in log lines and in rosenpass status.\n"
	"#name = \"office\"\n"
	"\n"
	"# The public key of the peer.\n"
	"public_key = \"/path/to/rp-peer-public-key\"\n"
	"\n"
	"# The address of the peer, HOST:PORT. Without it, the peer has to initiate.\n"
	"endpoint = \"my-peer.test:9999\"\n"
	"\n"
	"# A file with 32 bytes in base64, the same on both sides, for additional protection.\n"
	"#pre_shared_key = \"/path/to/preshared-key\"\n"
	"\n"
	"# Where each new key is delivered. A peer needs one of the following three, and may have all.\n"
	"#\n"
	"# A file for the key in base64; a random key replaces a stale key.\n"
	"key_out = \"/path/to/rp-key-out.txt\"\n"
	"\n"
	"# A WireGuard interface, and the WireGuard public key of the peer: the key becomes the preshared\n"
	"# key of that peer. extra_params has further settings in the form that wg uses: endpoint,\n"
	"# persistent-keepalive, allowed-ips.\n"
	"#device = \"wg0\"\n"
	"#peer = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n"
	"#extra_params = []\n"
	"\n"
	"# A program and its arguments. It runs for each new key and reads the key in base64 from its\n"
	"# standard input. ROSENPASS_PEER and ROSENPASS_REASON (exchanged or stale) are in its environment.\n"
	"#exchange_command = [\"/path/to/program\", \"argument\"]\n"
	"\n"
	"# \"V02\" or \"V03\" allows only this version. Default: the version that the peer uses.\n"
	"#protocol_version = \"V03\"\n"
	"\n"
	"# The purpose of the key, if it is not a WireGuard preshared key: both lines or none, and the\n"
	"# same on both sides.\n"
	"#osk_organization = \"example.org\"\n"
	"#osk_label = [\"my application\", \"its purpose\"]\n";

struct request {
	const char *path;
	bool force;
};

/* 0: go on; else the exit status plus one (help is a success that ends here). */
static int parse(struct request *request, int count, char **words)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(count, words, ":fh", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			request->force = true;
			break;
		case 'h':
			return 1 + COMMAND_HELP;
		default:
			log_error("gen-config: unknown option %s; rosenpass help gen-config shows the usage",
			          words[optind - 1]);
			return 1 + COMMAND_USAGE;
		}
	}
	if (optind + 1 != count) {
		log_error("gen-config: expected the name of one file to write; rosenpass help gen-config "
		          "shows the "
		          "usage");
		return 1 + COMMAND_USAGE;
	}
	request->path = words[optind];
	return 0;
}

int command_gen_config(int count, char **words)
{
	struct request request = { 0 };
	int status = parse(&request, count, words);
	mode_t mask;
	int result;

	if (status != 0)
		return status - 1;
	mask = umask(0);
	(void)umask(mask);
	result = file_write(request.path, (const uint8_t *)template, sizeof template - 1, CONFIG_MODE & ~mask,
	                    request.force ? FILE_REPLACE : FILE_KEEP_EXISTING);
	if (result == -EEXIST) {
		log_error("config file \"%s\" already exists (--force replaces it)", request.path);
		return COMMAND_FAILED;
	}
	if (result != 0) {
		log_error("cannot write config file \"%s\": %s", request.path, strerror(-result));
		return COMMAND_FAILED;
	}
	return COMMAND_OK;
}
