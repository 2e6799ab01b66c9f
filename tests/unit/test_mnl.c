/* What we rely on of libmnl. Built twice: with libmnl, and with what static programs have in place of it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <libmnl/libmnl.h>

static void test_messages(void **state)
{
	static const struct {
		size_t fixed, offset;
	} rows[] = { { 0, 16 }, { 1, 20 }, { 4, 20 }, { 12, 28 }, { 13, 32 }, { 16, 32 } };
	union {
		struct nlmsghdr header;
		uint8_t bytes[64];
	} message = { .header.nlmsg_len = 50 };

	(void)state;
	assert_ptr_equal(mnl_nlmsg_get_payload(&message.header), message.bytes + 16);
	assert_int_equal(mnl_nlmsg_get_payload_len(&message.header), 34);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_ptr_equal(mnl_nlmsg_get_payload_offset(&message.header, rows[i].fixed),
		                 message.bytes + rows[i].offset);
}

static void test_attributes(void **state)
{
	static const struct {
		uint16_t length, type;
		int space;
		bool ok;
		uint16_t plain_type, next;
	} rows[] = {
		{ 4, 1, 4, true, 1, 4 },
		{ 5, 2, 8, true, 2, 8 },
		{ 5, 2, 5, true, 2, 8 },
		{ 8, NLA_F_NESTED | 3, 8, true, 3, 8 },
		{ 8, NLA_F_NET_BYTEORDER | 3, 100, true, 3, 8 },
		{ 13, 0x3fff, 16, true, 0x3fff, 16 },
		/* Longer than what is there, shorter than a header, nothing there. */
		{ 9, 1, 8, false, 1, 12 },
		{ 4, 1, 3, false, 1, 4 },
		{ 3, 1, 8, false, 1, 4 },
		{ 0, 1, 8, false, 1, 0 },
		{ 4, 1, 0, false, 1, 4 },
		{ 4, 1, -1, false, 1, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		union {
			struct nlattr header;
			uint8_t bytes[20];
		} attribute = { .header = { .nla_len = rows[i].length, .nla_type = rows[i].type } };

		assert_int_equal(mnl_attr_ok(&attribute.header, rows[i].space), rows[i].ok);
		assert_int_equal(mnl_attr_get_type(&attribute.header), rows[i].plain_type);
		assert_ptr_equal(mnl_attr_next(&attribute.header), attribute.bytes + rows[i].next);
		assert_ptr_equal(mnl_attr_get_payload(&attribute.header), attribute.bytes + 4);
		if (rows[i].ok)
			assert_int_equal(mnl_attr_get_payload_len(&attribute.header), rows[i].length - 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
