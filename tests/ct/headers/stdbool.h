#ifndef TESTS_CT_HEADERS_STDBOOL_H
#define TESTS_CT_HEADERS_STDBOOL_H

#define bool _Bool
#define true 1
#define false 0

#endif
