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
	"#   rosenpass gen-keys FILE         makes the key pair that this file names\n"
	"#   rosenpass validate FILE         looks for mistakes\n"
	"#   rosenpass exchange-config FILE  exchanges keys until it is stopped\n"
	"#\n"
	"# Relative paths start at the directory that rosenpass is started in, ~/ at the home directory.\n"
	"# ${CREDENTIALS_DIRECTORY}, ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY} are replaced in paths.\n"
	"\n"
	"# Our own key pair. Peers get the public key; the secret key is for nobody else to read.\n"
	"public_key = \"/path/to/rp-public-key\"\n"
	"secret_key = \"/path/to/rp-secret-key\"\n"
	"\n"
	"# Where to wait for peers: one UDP address, or several. An empty list stands for a free port,\n"
	"# which will do where all peers have an endpoint. 0.0.0.0 is all of IPv4, [::] all of IPv6.\n"
	"listen = []\n"
	"#listen = [\"0.0.0.0:9999\", \"[::]:9999\"]\n"
	"\n"
	"# \"Quiet\", or \"Verbose\" to log every exchange.\n"
	"verbosity = \"Quiet\"\n"
	"\n"
	"# Started by root, the process that faces the network becomes this user.\n"
	"#user = \"rosenpass\"\n"
	"\n"
	"# The mark (fwmark) of our packets: \"auto\" is that of the WireGuard interface, so that a tunnel\n"
	"# that takes all packets does not take ours. Or \"off\", or a number.\n"
	"#fwmark = \"auto\"\n"
	"# Mode and group of key_out files that do not exist yet; a peer may have its own.\n"
	"#key_out_mode = \"0640\"\n"
	"#key_out_group = \"daemon\"\n"
	"\n"
	"# What becomes of preshared keys in WireGuard before the first exchange: \"leave\", or \"block\" "
	"to\n"
	"# replace them by random ones, so that no tunnel works without a key of Rosenpass.\n"
	"#before_first_exchange = \"leave\"\n"
	"\n"
	"# What becomes of the last keys when the daemon ends: \"keep\", or \"random\" to replace them.\n"
	"#on_exit = \"keep\"\n"
	"\n"
	"# One such part for each peer.\n"
	"[[peers]]\n"
	"# What the peer is called in log lines and in rosenpass status.\n"
	"#name = \"office\"\n"
	"\n"
	"# The public key that the peer made.\n"
	"public_key = \"/path/to/rp-peer-public-key\"\n"
	"\n"
	"# Where the peer waits, as HOST:PORT. Without it, the peer has to call.\n"
	"endpoint = \"my-peer.test:9999\"\n"
	"\n"
	"# A file with 32 bytes in base64 that both sides share beforehand; it protects in addition.\n"
	"#pre_shared_key = \"/path/to/preshared-key\"\n"
	"\n"
	"# Where each new key goes. A peer needs one of the following three, and may have all.\n"
	"#\n"
	"# A file that gets the key in base64, and a random one when the key is too old.\n"
	"key_out = \"/path/to/rp-key-out.txt\"\n"
	"\n"
	"# A WireGuard interface, and the public key that the peer has there: the key becomes its\n"
	"# preshared key. extra_params sets more for that peer, in the words of wg: endpoint,\n"
	"# persistent-keepalive, allowed-ips.\n"
	"#device = \"wg0\"\n"
	"#peer = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n"
	"#extra_params = []\n"
	"\n"
	"# A program and its arguments. It is started for each new key, which it finds in base64 on its\n"
	"# standard input, with ROSENPASS_PEER and ROSENPASS_REASON (exchanged or stale) in the\n"
	"# environment.\n"
	"#exchange_command = [\"/path/to/program\", \"argument\"]\n"
	"\n"
	"# \"V02\" or \"V03\" allows this version of the protocol only. Without it: what the peer speaks.\n"
	"#protocol_version = \"V03\"\n"
	"\n"
	"# Another purpose for the key than that of a WireGuard preshared key: both lines or none, and\n"
	"# the same on both sides.\n"
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
