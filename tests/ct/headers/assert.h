#ifndef TESTS_CT_HEADERS_ASSERT_H
#define TESTS_CT_HEADERS_ASSERT_H

#define static_assert _Static_assert
#define assert(condition) ((condition) ? (void)0 : ct_headers_assert_failed())

void ct_headers_assert_failed(void) __attribute__((noreturn));

#endif
