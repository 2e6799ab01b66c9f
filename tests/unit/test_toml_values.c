#include "toml_fixture.h"

#include <math.h>

static void test_strings(void **state)
{
	static const struct toml_good cases[] = {
		{ "a=\"\"", "{a=''}" },
		{ "a=''", "{a=''}" },
		{ "a=\"x'y\"", "{a='x'y'}" },
		{ "a='x\\n\"'", "{a='x\\n\"'}" },
		{ "a=\"\\b\\t\\n\\f\\r\\\"\\\\\"", "{a='<08><09><0a><0c><0d>\"\\'}" },
		{ "a=\"\\u0000\\u00e9\\u20AC\\U0001f511\"",
		  "{a='<00><c3><a9><e2><82><ac><f0><9f><94><91>'}" },
		{ "a=\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\U00010000\\U0010FFFF\"",
		  "{a='<7f><c2><80><df><bf><e0><a0><80><ef><bf><bf><f0><90><80><80><f4><8f><bf><bf>'}" },
		{ "a=\"# no comment\"", "{a='#<20>no<20>comment'}" },
		{ "a=\"\"\"\"\"\"", "{a=''}" },
		{ "a=''''''", "{a=''}" },
		/* The first line end does not count, later ones do. */
		{ "a=\"\"\"\nx\n\"\"\"", "{a='x<0a>'}" },
		{ "a='''\r\nx\r\n'''", "{a='x<0d><0a>'}" },
		{ "a='''\n\n'''", "{a='<0a>'}" },
		{ "a='''\\'''", "{a='\\'}" },
		{ "a='''x\\\ny'''", "{a='x\\<0a>y'}" },
		/* A backslash at the end of a line. */
		{ "a=\"\"\"x\\\n  \n\t y\"\"\"", "{a='xy'}" },
		{ "a=\"\"\"x\\ \t \r\n \r\n y\"\"\"", "{a='xy'}" },
		{ "a=\"\"\"\\\n\"\"\"", "{a=''}" },
		{ "a=\"\"\"x \\\n \\\n y\"\"\"", "{a='x<20>y'}" },
		{ "a=\"\"\"\\\\\n\"\"\"", "{a='\\<0a>'}" },
		/* Quotes within, and up to two before the end. */
		{ "a=\"\"\"\"x\"\"\"", "{a='\"x'}" },
		{ "a=\"\"\"x\"y\"\"z\"\"\"", "{a='x\"y\"\"z'}" },
		{ "a=\"\"\"x\"\"\"\"", "{a='x\"'}" },
		{ "a=\"\"\"x\"\"\"\"\"", "{a='x\"\"'}" },
		{ "a=\"\"\"\"\"\"\"\"", "{a='\"\"'}" },
		{ "a='''x'''''", "{a='x'''}" },
		{ "a='''x'y''z\"\"\"'''", "{a='x'y''z\"\"\"'}" },
		{ "a=\"\"\"\\\"\"\"\\\"\"\"\"", "{a='\"\"\"\"'}" },
	};
	static const struct toml_bad bad[] = {
		{ "a = \"x", 1, 5, "not closed by \" on its line" },
		{ "a = 'x\n'", 1, 5, "not closed by ' on its line" },
		{ "a = \"x\r\n\"", 1, 5, "not closed by \" on its line" },
		{ "a = \"x\\\"", 1, 5, "not closed by \"" },
		{ "\na = \"\"\"x\n\n\"\"", 2, 5, "not closed by \"\"\"" },
		{ "a = '''", 1, 5, "not closed by '''" },
		{ "a='''x''''''", 1, 12, "expected the end of the line, found '" },
		{ "a=\"\"\"x\"\"\"\"\"\" ", 1, 12, "expected the end of the line, found \"" },
		{ "a='x'y", 1, 6, "expected the end of the line, found y" },
		{ "a = \"C:\\x\"", 1, 8, "for a backslash itself write two" },
		{ "a = \"x\\\n\"", 1, 7, "a backslash stands before" },
		{ "a = \"\"\"\nx\\ y\"\"\"", 2, 2, "a backslash stands before" },
		{ "a = \"\\", 1, 6, "a backslash stands before" },
		{ "a = \"\\'\"", 1, 6, "a backslash stands before" },
		{ "a = \"\\e\"", 1, 6, "a backslash stands before" },
		{ "a = \"\\u12\"", 1, 6, "\\u needs 4 hexadecimal digits" },
		{ "a = \"\\u12G4\"", 1, 6, "\\u needs 4" },
		{ "a = \"\\U1234567\"", 1, 6, "\\U needs 8" },
		{ "a = \"\\ud800\"", 1, 6, "no Unicode character U+D800" },
		{ "a = \"\\uDFFF\"", 1, 6, "no Unicode character U+DFFF" },
		{ "a = \"\\U00110000\"", 1, 6, "no Unicode character U+110000" },
		{ "a = \"\\Uffffffff\"", 1, 6, "no Unicode character U+FFFFFFFF" },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

static void test_integers(void **state)
{
	static const struct toml_good cases[] = {
		{ "a=0", "{a=0}" },
		{ "a=+0", "{a=0}" },
		{ "a=-0", "{a=0}" },
		{ "a=+17", "{a=17}" },
		{ "a=1_000_0", "{a=10000}" },
		{ "a=9223372036854775807", "{a=9223372036854775807}" },
		{ "a=-9223372036854775808", "{a=-9223372036854775808}" },
		{ "a=0xdead_BEEF", "{a=3735928559}" },
		{ "a=0x0_1", "{a=1}" },
		{ "a=0x7fffffffffffffff", "{a=9223372036854775807}" },
		{ "a=0o755", "{a=493}" },
		{ "a=0b1101_0110", "{a=214}" },
		/* Letters that mean something elsewhere. */
		{ "a=0xb1", "{a=177}" },
		{ "a=0x0b1", "{a=177}" },
		{ "a=0xe0", "{a=224}" },
	};
	static const struct toml_bad bad[] = {
		{ "a = 9223372036854775808", 1, 5, "does not fit into 64 bits" },
		{ "a = -9223372036854775809", 1, 5, "does not fit" },
		{ "a = 0x8000000000000000", 1, 5, "does not fit" },
		{ "a = 0b1111111111111111111111111111111111111111111111111111111111111111", 1, 5,
		  "does not fit" },
		{ "a = 01", 1, 5, "01: a number has no leading zero (an octal number begins with 0o)" },
		{ "a = -00", 1, 5, "no leading zero" },
		{ "a = 0_0", 1, 5, "no leading zero" },
		{ "a = _1", 1, 5, "_1 is not a value" },
		{ "a = 1_", 1, 5, "1_ is not a value" },
		{ "a = 1__0", 1, 5, "1__0 is not a value" },
		{ "a = ++1", 1, 5, "is not a value" },
		{ "a = 1-2", 1, 5, "is not a value" },
		{ "a = +", 1, 5, "is not a value" },
		{ "a = 0x", 1, 5, "is not a value" },
		{ "a = 0x_1", 1, 5, "is not a value" },
		{ "a = 0x1_", 1, 5, "is not a value" },
		{ "a = 0xg", 1, 5, "is not a value" },
		{ "a = +0x1", 1, 5, "is not a value" },
		{ "a = -0b1", 1, 5, "is not a value" },
		{ "a = 0X1", 1, 5, "0X1 is not a value" },
		{ "a = 0o8", 1, 5, "is not a value" },
		{ "a = 0b2", 1, 5, "is not a value" },
		{ "a = 0x1.5", 1, 5, "is not a value" },
		{ "a = 1 2", 1, 7, "found 2" },
		{ "a = 1,2", 1, 6, "found ," },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

static void test_floats(void **state)
{
	static const struct toml_good cases[] = {
		{ "a=1.5", "{a=f1.5}" },
		{ "a=-0.25", "{a=f-0.25}" },
		{ "a=-0.0", "{a=f-0}" },
		{ "a=+3.0", "{a=f3}" },
		{ "a=1e3", "{a=f1000}" },
		{ "a=1E+0_3", "{a=f1000}" },
		{ "a=25e-2", "{a=f0.25}" },
		{ "a=1_0.2_5e1_0", "{a=f102500000000}" },
		{ "a=0e0", "{a=f0}" },
		{ "a=1e06", "{a=f1000000}" },
		{ "a=0.1", "{a=f0.10000000000000001}" },
		{ "a=1.7976931348623157e308", "{a=f1.7976931348623157e+308}" },
		{ "a=5e-324", "{a=f4.9406564584124654e-324}" },
		{ "a=inf", "{a=finf}" },
		{ "a=+inf", "{a=finf}" },
		{ "a=-inf", "{a=f-inf}" },
	};
	static const struct toml_bad bad[] = {
		{ "a = .5", 1, 5, ".5 is not a value" },    { "a = 5.", 1, 5, "5. is not a value" },
		{ "a = -.5", 1, 5, "is not a value" },      { "a = 5.e1", 1, 5, "is not a value" },
		{ "a = 1_.5", 1, 5, "is not a value" },     { "a = 1._5", 1, 5, "is not a value" },
		{ "a = 1.5_", 1, 5, "is not a value" },     { "a = 1e", 1, 5, "is not a value" },
		{ "a = 1e+", 1, 5, "is not a value" },      { "a = 1e_1", 1, 5, "is not a value" },
		{ "a = 1e1.5", 1, 5, "is not a value" },    { "a = 1.2.3", 1, 5, "1.2.3 is not a value" },
		{ "a = 01.5", 1, 5, "no leading zero" },    { "a = Inf", 1, 5, "is not a value" },
		{ "a = infinity", 1, 5, "is not a value" }, { "a = NaN", 1, 5, "is not a value" },
		{ "a = 0x1p3", 1, 5, "is not a value" },    { "a = 1,5", 1, 6, "found ," },
	};
	static const char *const not_numbers[] = { "a=nan", "a=+nan", "a=-nan" };

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
	for (size_t i = 0; i < FIXTURE_COUNT(not_numbers); i++) {
		struct toml_value root;

		toml_parse_good(&root, not_numbers[i]);
		assert_int_equal(toml_get(&root, "a")->type, TOML_FLOAT);
		assert_true(isnan(toml_get(&root, "a")->as.real));
		toml_release(&root);
	}
}

static void test_words(void **state)
{
	static const struct toml_good cases[] = {
		{ "a=true", "{a=true}" },
		{ "a=false#", "{a=false}" },
		{ "true=true", "{true=true}" },
		{ "a=[true,false]", "{a=[true,false]}" },
	};
	static const struct toml_bad bad[] = {
		{ "a = True", 1, 5, "True is not a value; expected a text in quotes" },
		{ "a = truer", 1, 5, "truer is not a value" },
		{ "a = false_", 1, 5, "false_ is not a value" },
		{ "a = yes", 1, 5, "yes is not a value" },
		{ "a = t", 1, 5, "t is not a value" },
		{ "a = /etc/key", 1, 5, "texts stand in quotes), found /" },
		{ "a =", 1, 4, "expected a value (texts stand in quotes), found the end of the file" },
		{ "a =\n1", 1, 4, "found the end of the line" },
		{ "a = # 1", 1, 5, "found #" },
		{ "a = ~", 1, 5, "found ~" },
		{ "a == 1", 1, 4, "found =" },
		{ "a : 1", 1, 3, "expected = after the key, found :" },
		{ "a", 1, 2, "expected = after the key, found the end of the file" },
		{ "a\n=1", 1, 2, "expected = after the key, found the end of the line" },
		{ "a b = 1", 1, 3, "expected = after the key, found b" },
		{ "= 1", 1, 1, "expected a key, found =" },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

static void test_dates(void **state)
{
	static const struct toml_good cases[] = {
		{ "a=1979-05-27T07:32:00Z", "{a=offset:1979-05-27T07:32:00Z}" },
		{ "a=1979-05-27t07:32:00z", "{a=offset:1979-05-27T07:32:00Z}" },
		{ "a=1979-05-27 07:32:00.25-07:30", "{a=offset:1979-05-27T07:32:00.25-07:30}" },
		{ "a=1979-05-27T07:32:00+23:59", "{a=offset:1979-05-27T07:32:00+23:59}" },
		{ "a=1979-05-27T07:32:00", "{a=local:1979-05-27T07:32:00}" },
		{ "a=1979-05-27 07:32:00.123456789012", "{a=local:1979-05-27T07:32:00.123456789012}" },
		{ "a=1979-05-27", "{a=date:1979-05-27}" },
		{ "a=1979-05-27 # a day", "{a=date:1979-05-27}" },
		{ "a=0000-01-01", "{a=date:0000-01-01}" },
		{ "a=00:00:00", "{a=time:00:00:00}" },
		{ "a=23:59:60.9", "{a=time:23:59:60.9}" },
		{ "a=2016-12-31T23:59:60Z", "{a=offset:2016-12-31T23:59:60Z}" },
		{ "a=[2000-02-29,2024-02-29,1900-02-28]",
		  "{a=[date:2000-02-29,date:2024-02-29,date:1900-02-28]}" },
		{ "a=[2023-01-31,2023-04-30,2023-12-31]",
		  "{a=[date:2023-01-31,date:2023-04-30,date:2023-12-31]}" },
		{ "1979-05-27=1", "{1979-05-27=1}" },
	};
	static const struct toml_bad bad[] = {
		{ "a = 2023-02-29", 1, 5, "that month has no day 29" },
		{ "a = 1900-02-29", 1, 5, "that month has no day 29" },
		{ "a = 2024-02-30", 1, 5, "that month has no day 30" },
		{ "a = 2023-04-31", 1, 5, "that month has no day 31" },
		{ "a = 2023-01-32", 1, 5, "that month has no day 32" },
		{ "a = 2023-01-00", 1, 5, "that month has no day 0" },
		{ "a = 2023-00-01", 1, 5, "a month from 01 to 12" },
		{ "a = 2023-13-01", 1, 5, "a month from 01 to 12" },
		{ "a = 2023-1-01", 1, 5, "expected a date as in" },
		{ "a = 2023-01-1", 1, 5, "expected a date as in" },
		{ "a = 2023-01", 1, 5, "expected a date as in" },
		{ "a = 2023-01/01", 1, 5, "expected a date as in" },
		{ "a = 2023-01-011", 1, 15, "expected the end of the line" },
		{ "a = 2023-01-01T", 1, 16, "expected a time as in" },
		{ "a = 2023-01-01T07:32", 1, 16, "expected a time as in" },
		{ "a = 2023-01-01  07:32:00", 1, 17, "expected the end of the line" },
		{ "a = 2023-01-01x07:32:00", 1, 15, "expected the end of the line" },
		{ "a = 24:00:00", 1, 5, "no such time of day" },
		{ "a = 00:60:00", 1, 5, "no such time of day" },
		{ "a = 00:00:61", 1, 5, "no such time of day" },
		{ "a = 00:00:00.", 1, 5, "digits are expected after the point" },
		{ "a = 00:00:00.x", 1, 5, "digits are expected after the point" },
		{ "a = 07:32", 1, 5, "expected a time as in" },
		{ "a = 7:32:00", 1, 6, "found :" },
		{ "a = 07:32:00Z", 1, 13, "expected the end of the line" },
		{ "a = 2023-01-01T00:00:00+24:00", 1, 24, "expected an offset as in" },
		{ "a = 2023-01-01T00:00:00+01:60", 1, 24, "expected an offset as in" },
		{ "a = 2023-01-01T00:00:00+0100", 1, 24, "expected an offset as in" },
		{ "a = 2023-01-01T00:00:00-1", 1, 24, "expected an offset as in" },
		{ "a = 2023-01-01T00:00:00ZZ", 1, 25, "expected the end of the line" },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

static void test_arrays(void **state)
{
	static const struct toml_good cases[] = {
		{ "a=[]", "{a=[]}" },
		{ "a=[ \n# none\n ]", "{a=[]}" },
		{ "a=[1,2,]", "{a=[1,2]}" },
		{ "a=[\r\n 1 # one\r\n , # and\r\n 2\r\n]", "{a=[1,2]}" },
		{ "a=[1,'x',[true,[]],{b=1}]", "{a=[1,'x',[true,[]],{b=1}]}" },
		{ "a={}", "{a={}}" },
		{ "a={ b = 1 , c.d = 2, c.e = 3 }", "{a={b=1,c={d=2,e=3}}}" },
		{ "a={b={c={}}}", "{a={b={c={}}}}" },
		/* Lines may end in the array or string within. */
		{ "a={b=[1,\n2],c='''\n\n'''}", "{a={b=[1,2],c='<0a>'}}" },
		{ "a=[{b=1},\n{b=2}]", "{a=[{b=1},{b=2}]}" },
	};
	static const struct toml_bad bad[] = {
		{ "a = [1 2]", 1, 8, "expected , or ] in the array, found 2" },
		{ "a = [,]", 1, 6, "expected a value" },
		{ "a = [1,,2]", 1, 8, "expected a value" },
		{ "a = [1\n\n", 3, 1, "expected , or ] in the array, found the end of the file" },
		{ "a = [", 1, 6, "found the end of the file" },
		{ "a = [1}", 1, 7, "expected , or ]" },
		{ "a = [1]]", 1, 8, "expected the end of the line, found ]" },
		{ "a = [[1]", 1, 9, "expected , or ]" },
		{ "a = {b=1,}", 1, 10, "no comma is allowed before the }" },
		{ "a = {b=1, }", 1, 11, "no comma is allowed before the }" },
		{ "a = {,}", 1, 6, "expected a key, found ," },
		{ "a = {b=1 c=2}", 1, 10, "expected , or } in the table" },
		{ "a = {\nb=1}", 1, 6, "a table in { } has to stand on one line, found the end of the line" },
		{ "a = {b=1,\nc=1}", 1, 10, "has to stand on one line" },
		{ "a = {b=1, # one\nc=1}", 1, 11, "has to stand on one line, found #" },
		{ "a = {b=1\n}", 1, 9, "on one line, found the end of the line" },
		{ "a = {", 1, 6, "has to stand on one line, found the end of the file" },
		{ "a = {b}", 1, 7, "expected = after the key, found }" },
		{ "a = {b=1}}", 1, 10, "expected the end of the line" },
		{ "a = {b=1]", 1, 9, "expected , or }" },
		{ "a = {b=1, b=2}", 1, 11, "b was given before (line 1)" },
		{ "a = {b.c=1, b=2}", 1, 13, "b was given before" },
		{ "a = {b=1, b.c=2}", 1, 11, "b has a value already and is no table" },
		{ "a = {b={}, b.c=2}", 1, 12, "b is a table that is complete already (line 1)" },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings), cmocka_unit_test(test_integers),
		cmocka_unit_test(test_floats),  cmocka_unit_test(test_words),
		cmocka_unit_test(test_dates),   cmocka_unit_test(test_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
