#ifndef TESTS_CT_HEADERS_STDINT_H
#define TESTS_CT_HEADERS_STDINT_H

/*
 * These headers stand in for those of a C library, so that src/crypto can be compiled for a CPU whose C
 * library is not installed. They hold what src/crypto uses, and know the target from the compiler's macros.
 */

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

#define UINT64_MAX __UINT64_MAX__
#define UINT64_C(value) ((uint64_t)value##ULL)

#endif
