#include "fixture.h"

#include "config/rosenpass_config.h"
#include "config/value.h"

#define OWN "public_key = \"p\"\nsecret_key = \"s\"\n"
/* Five lines before a peer's own. */
#define PEER OWN "\n[[peers]]\npublic_key = \"q\"\n"
#define OUT "key_out = \"o\"\n"
#define WG_PEER "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="
/* Three lines, up to where a list of prefixes begins. */
#define WG "device = \"wg0\"\npeer = \"" WG_PEER "\"\nextra_params = [\"allowed-ips\", \""

static int parse(struct config *config, const char *text, char problem[static CONFIG_PROBLEM_BYTES])
{
	problem[0] = '\0';
	return config_parse(config, text, strlen(text), "f", problem);
}

/* What is read into a peer, as config_format() says it after its public key. */
static void test_keys(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ OUT, OUT },
		{ OUT "endpoint = \"h:1\"", "endpoint = \"h:1\"\n" OUT },
		{ OUT "pre_shared_key = \"k\"", "pre_shared_key = \"k\"\n" OUT },
		{ OUT "pre_shared_key = \"~/k\"", "pre_shared_key = \"/home/me/k\"\n" OUT },
		{ "key_out = \"~/o\"", "key_out = \"/home/me/o\"\n" },
		{ OUT "key_out_mode = \"0640\"", OUT "key_out_mode = \"0640\"\n" },
		{ OUT "key_out_mode = \"600\"", OUT "key_out_mode = \"0600\"\n" },
		{ OUT "key_out_mode = \"0o664\"", OUT "key_out_mode = \"0664\"\n" },
		{ OUT "key_out_mode = 0o644", OUT "key_out_mode = \"0644\"\n" },
		{ OUT "key_out_group = \"vpn\"", OUT "key_out_group = \"vpn\"\n" },
		{ OUT "key_out_group = 33", OUT "key_out_group = \"33\"\n" },
		{ "exchange_command = [\"${STATE_DIRECTORY}/x\", \"${STATE_DIRECTORY}/y\"]",
		  "exchange_command = [\"/var/lib/r/x\", \"${STATE_DIRECTORY}/y\"]\n" },
		{ "exchange_command = [\"x\"]", "exchange_command = [\"x\"]\n" },
		{ "exchange_command = [\"~/x\", \"~/y\"]", "exchange_command = [\"/home/me/x\", \"~/y\"]\n" },
		{ OUT "exchange_command = []", OUT },
		{ "device = \"wg0\"\npeer = \"" WG_PEER "\"", "device = \"wg0\"\npeer = \"" WG_PEER "\"\n" },
		{ "device = \"fifteen-charact\"\npeer = \"" WG_PEER
		  "\"\nextra_params = [\"allowed-ips\", \"\"]",
		  "device = \"fifteen-charact\"\npeer = \"" WG_PEER
		  "\"\nextra_params = [\"allowed-ips\", \"\"]\n" },
		{ "wireguard = {interface = \"wg0\", public_key = \"" WG_PEER
		  "\"}\nextra_params = [\"endpoint\", \"h:1\"]",
		  "device = \"wg0\"\npeer = \"" WG_PEER "\"\nextra_params = [\"endpoint\", \"h:1\"]\n" },
		{ OUT "extra_params = []", OUT },
		{ OUT "protocol_version = \"V02\"", OUT "protocol_version = \"V02\"\n" },
		{ OUT "protocol_version = \"V03\"", OUT "protocol_version = \"V03\"\n" },
		{ OUT "osk_label = [\"a\", \"\"]\nosk_organization = \"\"",
		  OUT "osk_organization = \"\"\nosk_label = [\"a\", \"\"]\n" },
	};
	static const char head[] = "public_key = \"q\"\n";

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[1024];
		char *said;
		char *at;

		(void)snprintf(text, sizeof text, PEER "%s", cases[i].text);
		if (parse(&config, text, problem) != 0)
			fail_msg("\"%s\" is refused: %s", cases[i].text, problem);
		assert_int_equal(config.peer_count, 1);
		assert_int_equal(config.peers[0].line, 4);
		said = config_format(&config);
		assert_non_null(said);
		at = strstr(said, head);
		assert_non_null(at);
		if (strcmp(at + sizeof head - 1, cases[i].said) != 0)
			fail_msg("\"%s\" is read as \"%s\"", cases[i].text, at + sizeof head - 1);
		free(said);
		config_release(&config);
	}
}

static void test_dialects(void **state)
{
	static const struct {
		const char *text;
		uint32_t dialects;
	} cases[] = {
		{ "", 0 },
		{ "protocol_version = \"V02\"", 1u << ROSENPASS_BLAKE2B_188 | 1u << ROSENPASS_BLAKE2B_156 },
		{ "protocol_version = \"V03\"", 1u << ROSENPASS_SHAKE256_156 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[256];

		(void)snprintf(text, sizeof text, PEER OUT "%s", cases[i].text);
		assert_int_equal(parse(&config, text, problem), 0);
		assert_int_equal(config.peers[0].dialects, cases[i].dialects);
		config_release(&config);
	}
}

/* The text follows PEER: its first line is the sixth. */
static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* after "f:" */
	} cases[] = {
		{ OUT "[[peers]]\n" OUT,
		  "7: peer 2: public_key is missing; name the file with the peer's public key" },
		{ "",
		  "4: peer 1: its key goes nowhere; add key_out, or device and peer, or exchange_command" },
		{ "exchange_command = []",
		  "4: peer 1: its key goes nowhere; add key_out, or device and peer, or exchange_command" },
		{ OUT "pubic_key = \"x\"", "7: peer 1: unknown key pubic_key; did you mean public_key?" },
		{ OUT "name = \"office\"\nkey_uot = \"x\"",
		  "8: peer 1 (\"office\"): unknown key key_uot; did you mean key_out?" },
		{ "key_uot = \"x\"\nname = \"office\"",
		  "6: peer 1 (\"office\"): unknown key key_uot; did you mean key_out?" },
		{ OUT "preshared_key = \"x\"",
		  "7: peer 1: unknown key preshared_key; did you mean pre_shared_key?" },
		{ OUT "[[peers]]\nkey_out = 3", "8: peer 2: key_out: expected a string, found an integer" },
		{ OUT "[[peers]]\nkey_out = 1979-05-27T07:32:00Z", NULL },
		{ "key_out = \"\"", "6: peer 1: key_out is empty; expected the name of a file" },
		{ "key_out = \"~you/x\"",
		  "6: peer 1: key_out \"~you/x\": only ~ and ~/ are replaced, no other user's "
		  "home directory; write it out, or ./~ for a file of that name" },
		{ "key_out = \"a\\u0000\"", "6: peer 1: key_out has a zero byte in it" },
		{ OUT "key_out_mode = \"rw\"",
		  "7: peer 1: key_out_mode \"rw\" is not an octal mode; expected one such as 0640" },
		{ OUT "key_out_mode = \"0680\"",
		  "7: peer 1: key_out_mode \"0680\" is not an octal mode; expected one such as 0640" },
		{ OUT "key_out_mode = \"\"",
		  "7: peer 1: key_out_mode \"\" is not an octal mode; expected one such as 0640" },
		{ OUT "key_out_mode = 640", "7: peer 1: key_out_mode 640 is a decimal number; write "
		                            "\"0640\" or 0o640, which is octal" },
		{ OUT "key_out_mode = 600", "7: peer 1: key_out_mode 600 is a decimal number; write "
		                            "\"0600\" or 0o600, which is octal" },
		{ OUT "key_out_mode = true",
		  "7: peer 1: key_out_mode: expected a string such as \"0640\", found a boolean" },
		{ OUT "key_out_mode = 256", "7: peer 1: key_out_mode 0400 does not let the owner read and "
		                            "write; expected an octal mode "
		                            "such as \"0640\" or 0o640" },
		{ OUT "key_out_mode = 0o40000000640",
		  "7: peer 1: key_out_mode 040000000640 is not a file mode; "
		  "expected an octal mode such as \"0640\" or 0o640" },
		{ OUT "key_out_mode = -1", "7: peer 1: key_out_mode 01777777777777777777777 is not a file "
		                           "mode; expected an octal mode "
		                           "such as \"0640\" or 0o640" },
		{ OUT "key_out_mode = \"0606\"", "7: peer 1: key_out_mode 0606 lets everybody write; "
		                                 "expected an octal mode such as \"0640\" or "
		                                 "0o640" },
		{ OUT "key_out_mode = \"0440\"", "7: peer 1: key_out_mode 0440 does not let the owner read "
		                                 "and write; expected an octal mode "
		                                 "such as \"0640\" or 0o640" },
		{ OUT "key_out_mode = \"0750\"", "7: peer 1: key_out_mode 0750 has more than permissions to "
		                                 "read and write; expected an octal "
		                                 "mode such as \"0640\" or 0o640" },
		{ OUT "key_out_mode = \"2640\"", "7: peer 1: key_out_mode 02640 has more than permissions to "
		                                 "read and write; expected an octal "
		                                 "mode such as \"0640\" or 0o640" },
		{ OUT "key_out_mode = \"0620\"", "7: peer 1: key_out_mode 0620 lets the group write and not "
		                                 "read; expected an octal mode such as "
		                                 "\"0640\" or 0o640" },
		{ OUT "key_out_group = \"\"", "7: peer 1: key_out_group is empty" },
		{ "exchange_command = [\"x\"]\nkey_out_mode = \"0640\"",
		  "4: peer 1: key_out_mode without key_out, which it is for" },
		{ "exchange_command = [\"x\"]\nkey_out_group = \"vpn\"",
		  "4: peer 1: key_out_group without key_out, which it is for" },
		{ "key_out = \"${CREDENTIALS_DIRECTORY}/x\"",
		  "6: peer 1: key_out \"${CREDENTIALS_DIRECTORY}/x\": CREDENTIALS_DIRECTORY is not set, as "
		  "systemd "
		  "does for a service; set it, or write the path out" },
		{ OUT "pre_shared_key = \"\"",
		  "7: peer 1: pre_shared_key is empty; expected the name of a file" },
		{ OUT "endpoint = \"h\"", "7: peer 1: endpoint \"h\" has no port; expected HOST:PORT" },
		{ OUT "endpoint = \"[::]:9\"", "7: peer 1: endpoint \"[::]:9\" means every address of a "
		                               "machine; give the one at which the peer can be reached" },
		{ OUT "endpoint = \"h:0\"", "7: peer 1: endpoint \"h:0\" has port 0, which nobody can wait "
		                            "on; give the port that the peer "
		                            "listens on" },
		{ "device = \"wg0\"",
		  "4: peer 1: device without peer; peer = \"...\" is the WireGuard public key of "
		  "the peer that gets the key" },
		{ OUT "peer = \"" WG_PEER "\"",
		  "4: peer 1: peer without device; device = \"...\" is the WireGuard "
		  "interface that has this peer" },
		{ "device = \"wg0\"\npeer = \"" WG_PEER "\"\nextra_params = [\"allowed-ips\"]",
		  "4: peer 1: extra_params: allowed-ips needs a value after it" },
		{ OUT "extra_params = [\"x\"]",
		  "4: peer 1: extra_params without device and peer, which they are for" },
		{ "device = \"a/b\"",
		  "6: peer 1: device \"a/b\" cannot be a network interface; expected a name of 1 to "
		  "15 characters such as wg0" },
		{ "device = \"\"",
		  "6: peer 1: device \"\" cannot be a network interface; expected a name of 1 to 15 "
		  "characters such as wg0" },
		{ "device = \"sixteen-characte\"", "6: peer 1: device \"sixteen-characte\" cannot be a "
		                                   "network interface; expected a name of 1 to 15 "
		                                   "characters such as wg0" },
		{ "wireguard = \"wg0\"",
		  "6: peer 1: wireguard: expected a table with interface and public_key, found a string" },
		{ "wireguard = {interface = \"wg0\"}",
		  "6: peer 1: wireguard needs both interface and public_key" },
		{ "wireguard = {public_key = \"" WG_PEER "\"}",
		  "6: peer 1: wireguard needs both interface and public_key" },
		{ "wireguard = {interfase = \"wg0\"}",
		  "6: peer 1: unknown key interfase; did you mean interface?" },
		{ "wireguard = {interface = \"wg0\", public_key = \"" WG_PEER "\"}\ndevice = \"wg0\"",
		  "4: peer 1: wireguard and device with peer mean the same; keep one of them" },
		{ "peer = \"" WG_PEER "\"\nwireguard = {interface = \"wg0\", public_key = \"" WG_PEER "\"}",
		  "4: peer 1: wireguard and device with peer mean the same; keep one of them" },
		{ OUT "protocol_version = \"v2\"",
		  "7: peer 1: protocol_version \"v2\" is not known; expected V02 or "
		  "V03, or leave it out to allow both" },
		{ OUT "protocol_version = 2",
		  "7: peer 1: protocol_version: expected a string, found an integer" },
		{ OUT "osk_organization = \"x\"",
		  "4: peer 1: osk_organization without osk_label; both are needed, the "
		  "same as the peer has" },
		{ OUT "osk_organization = \"x\"\nosk_label = []",
		  "4: peer 1: osk_organization without osk_label; both are needed, the same as the peer "
		  "has" },
		{ OUT "osk_label = [\"x\"]",
		  "4: peer 1: osk_label without osk_organization; both are needed, the same "
		  "as the peer has" },
		{ OUT "osk_label = \"x\"",
		  "7: peer 1: osk_label: expected an array of strings, found a string" },
		{ OUT "osk_label = [\"x\", true]",
		  "7: peer 1: osk_label: expected strings in the array, found a boolean" },
		{ "exchange_command = \"x\"",
		  "6: peer 1: exchange_command: expected an array of strings, found a string" },
		{ "exchange_command = [\"\"]", "6: peer 1: exchange_command contains an empty argument" },
		{ "exchange_command = [\"x\",\n \"\"]",
		  "7: peer 1: exchange_command contains an empty argument" },
		{ "exchange_command = [\"~x\"]", "6: peer 1: exchange_command \"~x\": only ~ and ~/ are "
		                                 "replaced, no other user's home directory; write "
		                                 "it out, or ./~ for a file of that name" },
		{ OUT "name = \"\"", "7: peer 1: name has to be 1 to 64 printable characters" },
		{ OUT "name = \"a\\nb\"", "7: peer 1: name has to be 1 to 64 printable characters" },
		{ OUT "name = \"office\"\n[[peers]]\npublic_key = \"r\"\nkey_out = \"u\"\nname = \"office\"",
		  "8: peer 2 (\"office\"): peer 1 has the same name" },
		{ WG "10.0.0.0/8, 10.1.0.0/24\"]\n[[peers]]\npublic_key = \"r\"\n" WG "10.1.0.9/24\"]",
		  "9: peer 2: allowed-ips 10.1.0.0/24 is of peer 1 already; WireGuard sends to one of them "
		  "only" },
		{ WG "::/0\"]\n[[peers]]\npublic_key = \"r\"\n" OUT
		     "[[peers]]\npublic_key = \"s\"\nname = \"x\"\n" WG "fd00::/8,::1/0\"]",
		  "12: peer 3 (\"x\"): allowed-ips ::/0 is of peer 1 already; WireGuard sends to one of them "
		  "only" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[1024];

		(void)snprintf(text, sizeof text, PEER "%s", cases[i].text);
		if (parse(&config, text, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		assert_memory_equal(problem, "f:", 2);
		if (cases[i].problem != NULL && strcmp(problem + 2, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].text, problem + 2, cases[i].problem);
	}
}

/* A prefix within another, one twice, one on another device, one of the other family. */
static void test_same_prefixes(void **state)
{
	static const char *const texts[] = {
		WG "10.0.0.0/8,10.0.0.0/8\"]\n[[peers]]\npublic_key = \"r\"\n" WG "10.0.0.0/9\"]",
		WG "10.0.0.0/8\"]\n[[peers]]\npublic_key = \"r\"\ndevice = \"wg1\"\npeer = \"" WG_PEER
		   "\"\nextra_params = [\"allowed-ips\", \"10.0.0.0/8\"]",
		WG "0.0.0.0/0\"]\n[[peers]]\npublic_key = \"r\"\n" WG "::/0\"]",
		WG "\"]\n[[peers]]\npublic_key = \"r\"\n" WG "\"]",
		WG "10.0.0.1\"]\n[[peers]]\npublic_key = \"r\"\n" WG "10.0.0.2\"]",
		WG "fd00::1\"]\n[[peers]]\npublic_key = \"r\"\n" WG "fd00::2\"]",
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[1024];

		(void)snprintf(text, sizeof text, PEER "%s", texts[i]);
		if (parse(&config, text, problem) != 0)
			fail_msg("\"%s\": %s", texts[i], problem);
		config_release(&config);
	}
}

/* What might be a secret that stands at the wrong place is not repeated. */
static void test_wireguard_peer(void **state)
{
	static const char *const texts[] = {
		"",
		"q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg",
		"q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFc==",
		"q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcgA",
		"q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFch=",
		"q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg=\\n",
		" 6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg=",
		"_6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg=",
		"\\u00e9CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg=",
		"q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg=q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg=",
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[512];

		(void)snprintf(text, sizeof text, PEER "device = \"wg0\"\npeer = \"%s\"", texts[i]);
		if (parse(&config, text, problem) != -1)
			fail_msg("\"%s\" is accepted", texts[i]);
		assert_string_equal(problem,
		                    "f:7: peer 1: peer is not a WireGuard public key; expected 32 bytes in "
		                    "base64 (44 characters, as wg pubkey prints them)");
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "a", true },
		{ "peer 2 (north)", true },
		{ "\\\"quoted\\\"", true },
		{ "B\xc3\xbcro \xe2\x84\x96 \xf0\x9f\x8c\xb9", true },
		{ "1234567890123456789012345678901234567890123456789012345678901234", true },
		{ "12345678901234567890123456789012345678901234567890123456789012345", false },
		{ "\\u0000", false },
		{ "a\\u0000", false },
		{ "\\t", false },
		{ "\\u001b[31m", false },
		{ "\\u007f", false },
		{ "\\u0085", false },
		{ "\\u202egnp.exe", false },
		{ "\\u200b", false },
		{ "\\ufeff", false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[512];

		(void)snprintf(text, sizeof text, PEER OUT "name = \"%s\"", cases[i].name);
		if ((parse(&config, text, problem) == 0) != cases[i].good)
			fail_msg("\"%s\" %s", cases[i].name, problem);
		config_release(&config);
	}
}

/* As words of a command line are, which need be no UTF-8. */
static void test_name_bytes(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "", false },
		{ "a", true },
		{ "\xc3\xa4", true },
		{ "\xff", false },
		{ "a\xc3", false },
		{ "\xc1\x81", false },         /* an overlong A */
		{ "\xe0\x82\xa0", false },     /* an overlong U+00A0 */
		{ "\xe0\xa0\x80", true },      /* U+0800 */
		{ "\xf0\x8f\xbf\xbd", false }, /* an overlong U+FFFD */
		{ "\xf0\x90\x80\x80", true },  /* U+10000 */
		{ "\xed\x9f\xbf", true },      /* U+D7FF */
		{ "\xed\xa0\x80", false },     /* U+D800, half of a character */
		{ "\xed\xbf\xbf", false },     /* U+DFFF */
		{ "\xee\x80\x80", true },      /* U+E000 */
		{ "\xf4\x8f\xbf\xbf", true },  /* U+10FFFF */
		{ "\xf4\x90\x80\x80", false }, /* U+110000 */
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		if (value_is_name(cases[i].name) != cases[i].good)
			fail_msg("case %zu", i);
	}
}

/* Several collisions: the one whose second peer comes first is told. */
static void test_first_collision(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(parse(&config,
	                       PEER WG "10.0.2.0/24\"]\n[[peers]]\npublic_key = \"r\"\n" WG
	                               "10.0.1.0/24,10.0.2.0/24\"]\n[[peers]]\npublic_key = \"s\"\n" WG
	                               "10.0.1.0/24,10.0.3.0/24\"]\n[[peers]]\npublic_key = \"t\"\n" WG
	                               "10.0.3.0/24\"]",
	                       problem),
	                 -1);
	assert_non_null(strstr(problem, "peer 2: allowed-ips 10.0.2.0/24 is of peer 1 already"));
}

/* Among many; those without a name are no two of one name. */
static void test_same_names(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char text[8192] = OWN;

	(void)state;
	for (int i = 0; i < 50; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof text - used,
		               "[[peers]]\npublic_key = \"q\"\nkey_out = \"o\"\n");
		used = strlen(text);
		if (i % 3 != 0)
			(void)snprintf(text + used, sizeof text - used, "name = \"%d\"\n", i * 31 % 50);
	}
	assert_int_equal(parse(&config, text, problem), 0);
	assert_int_equal(config.peer_count, 50);
	config_release(&config);
	(void)strcat(text, "[[peers]]\npublic_key = \"q\"\nkey_out = \"o\"\nname = \"31\"\n");
	assert_int_equal(parse(&config, text, problem), -1);
	assert_non_null(strstr(problem, ": peer 51 (\"31\"): peer 2 has the same name"));
}

/* Organization and labels have to fit where they are handed over. */
static void test_osk_room(void **state)
{
	static const struct {
		size_t labels;
		size_t bytes; /* of each */
		bool good;
	} cases[] = {
		{ 1, CONFIG_OSK_BYTES - 3, true },       { 1, CONFIG_OSK_BYTES - 2, false },
		{ CONFIG_OSK_LABELS_MAX, 1, true },      { CONFIG_OSK_LABELS_MAX, 15, false },
		{ CONFIG_OSK_LABELS_MAX + 1, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[4096];
		char *at = text + sprintf(text, PEER OUT "osk_organization = \"x\"\nosk_label = [");

		for (size_t j = 0; j < cases[i].labels; j++) {
			*at++ = '"';
			memset(at, 'y', cases[i].bytes);
			at += cases[i].bytes;
			at += sprintf(at, "\",");
		}
		(void)strcpy(at, "]");
		if ((parse(&config, text, problem) == 0) != cases[i].good)
			fail_msg("%zu labels of %zu bytes: %s", cases[i].labels, cases[i].bytes, problem);
		config_release(&config);
	}
}

/* Whatever differs is seen, but for the line. */
static void test_equal(void **state)
{
	static const char *const texts[] = {
		OUT,
		"key_out = \"other\"",
		OUT "name = \"n\"",
		OUT "name = \"m\"",
		OUT "endpoint = \"h:1\"",
		OUT "endpoint = \"h:2\"",
		OUT "pre_shared_key = \"k\"",
		"exchange_command = [\"x\"]",
		"exchange_command = [\"x\", \"y\"]",
		"exchange_command = [\"x\", \"z\"]",
		"device = \"wg0\"\npeer = \"" WG_PEER "\"",
		"device = \"wg1\"\npeer = \"" WG_PEER "\"",
		"device = \"wg0\"\npeer = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
		"device = \"wg0\"\npeer = \"" WG_PEER "\"\nextra_params = [\"endpoint\", \"h:1\"]",
		OUT "protocol_version = \"V02\"",
		OUT "protocol_version = \"V03\"",
		OUT "osk_organization = \"x\"\nosk_label = [\"y\"]",
		OUT "osk_organization = \"z\"\nosk_label = [\"y\"]",
		OUT "osk_organization = \"x\"\nosk_label = [\"z\"]",
	};
	struct config config[2];
	char problem[CONFIG_PROBLEM_BYTES];
	char text[512];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		(void)snprintf(text, sizeof text, PEER "%s", texts[i]);
		assert_int_equal(parse(&config[0], text, problem), 0);
		for (size_t j = 0; j < FIXTURE_COUNT(texts); j++) {
			(void)snprintf(text, sizeof text, "\n" PEER "%s", texts[j]);
			assert_int_equal(parse(&config[1], text, problem), 0);
			assert_int_not_equal(config[0].peers[0].line, config[1].peers[0].line);
			if (config_peer_equal(&config[0].peers[0], &config[1].peers[0]) != (i == j))
				fail_msg("\"%s\" and \"%s\"", texts[i], texts[j]);
			config_release(&config[1]);
		}
		config_release(&config[0]);
	}
}

static int set_home(void **state)
{
	(void)state;
	return setenv("HOME", "/home/me", 1) != 0 || setenv("STATE_DIRECTORY", "/var/lib/r", 1) != 0
	               ? -1
	               : unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),           cmocka_unit_test(test_dialects),
		cmocka_unit_test(test_errors),         cmocka_unit_test(test_same_prefixes),
		cmocka_unit_test(test_wireguard_peer), cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_bytes),     cmocka_unit_test(test_first_collision),
		cmocka_unit_test(test_same_names),     cmocka_unit_test(test_osk_room),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, set_home, NULL);
}
