#include "rosenpass/commands.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "system/log.h"

static const char program_text[] =
	"Post-quantum key exchange for WireGuard and others\n"
	"\n"
	"Usage: rosenpass [OPTION]... COMMAND [ARGUMENT]...\n"
	"\n"
	"Commands:\n"
	"  gen-keys   make a key pair\n"
	"  exchange   exchange keys with peers until it is stopped\n"
	"  help       show this, or the usage of a command\n"
	"\n"
	"Options:\n"
	"      --log-level LEVEL  off, error, warn, info (default), debug or trace\n"
	"  -v, --verbose          as --log-level debug\n"
	"  -q, --quiet            as --log-level warn\n"
	"  -h, --help             show this\n"
	"  -V, --version          show the version\n"
	"\n"
	"RUST_LOG=LEVEL in the environment counts where no option is given.\n";

static const char gen_keys_text[] =
	"Make a key pair\n"
	"\n"
	"Usage: rosenpass gen-keys -p FILE -s FILE [-f]\n"
	"\n"
	"  -p, --public-key FILE  where the public key goes (524160 bytes)\n"
	"  -s, --secret-key FILE  where the secret key goes (13608 bytes, mode 0600)\n"
	"  -f, --force            replace existing files\n"
	"  -h, --help             show this\n";

static const char exchange_text[] =
	"Exchange keys with peers until it is stopped\n"
	"\n"
	"Usage: rosenpass exchange OWN [PEER]...\n"
	"\n"
	"  OWN  := public-key FILE secret-key FILE [listen ADDRESS:PORT]... [verbose]\n"
	"  PEER := peer public-key FILE [endpoint HOST:PORT] [preshared-key FILE] outfile FILE\n"
	"\n"
	"  public-key FILE         a public key made by gen-keys: our own, then each peer's\n"
	"  secret-key FILE         our secret key (13608 bytes, or 13568 of 0.2.x software)\n"
	"  listen ADDRESS:PORT     where to wait for peers; without it, on a port of the kernel's choice\n"
	"  verbose                 log every message\n"
	"  endpoint HOST:PORT      where the peer waits; without it, the peer has to call\n"
	"  preshared-key FILE      32 bytes in base64 that both sides share beforehand\n"
	"  outfile FILE            gets each new key in base64, and a random one when the key is too old\n"
	"\n"
	"Each change of an outfile is told on standard output:\n"
	"  output-key peer ID key-file \"FILE\" exchanged|stale\n";

int command_help(const char *name)
{
	const char *text = NULL;

	if (name == NULL)
		text = program_text;
	else if (strcmp(name, "gen-keys") == 0)
		text = gen_keys_text;
	else if (strcmp(name, "exchange") == 0)
		text = exchange_text;
	if (text == NULL) {
		log_error("no command %s; rosenpass help lists them", name);
		return COMMAND_USAGE;
	}
	return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
