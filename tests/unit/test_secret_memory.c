#include "child_fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "system/sandbox_numbers.h"
#include "system/secret_memory.h"

#define NOBODY 65534
#define PEERS 10000
#define PEER_BYTES 3700

/* A line of /proc/self/smaps about the mapping with that address. */
struct mapping {
	uintptr_t start;
	uintptr_t end;
	char access[5];
	char path[64];
	char flags[512];
};

static bool find_mapping(const void *address, struct mapping *mapping)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512];
	bool found = false;

	CHILD_CHECK(file != NULL);
	while (fgets(line, sizeof line, file) != NULL) {
		struct mapping next = { .start = 0 };

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %63s", &next.start, &next.end,
		           next.access, next.path) >= 3) {
			if (found)
				break;
			found = next.start <= (uintptr_t)address && (uintptr_t)address < next.end;
			if (found)
				*mapping = next;
		} else if (found && strncmp(line, "VmFlags: ", 9) == 0) {
			(void)snprintf(mapping->flags, sizeof mapping->flags, "%s", line + 8);
		}
	}
	(void)fclose(file);
	return found;
}

static size_t count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	size_t count = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		count += c == '\n';
	(void)fclose(file);
	return count;
}

/* A piece that was released is out of bounds for everybody but us. */
__attribute__((no_sanitize("address"))) static bool is_wiped(const uint8_t *memory, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (((const volatile uint8_t *)memory)[i] != 0)
			return false;
	}
	return true;
}

/* What somebody does who still has the pointer. */
__attribute__((no_sanitize("address"))) static void spoil(uint8_t *memory)
{
	*(volatile uint8_t *)memory = 1;
}

static void use_first(void)
{
	struct rlimit limit;
	void *memory;

	CHILD_CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	if (limit.rlim_max == 0)
		_exit(CHILD_LACKS);
	limit.rlim_cur = 0;
	CHILD_CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	memory = secret_memory_allocate(NULL, 100);
	CHILD_CHECK(memory != NULL);
	CHILD_CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	CHILD_CHECK(limit.rlim_cur == limit.rlim_max);
	secret_memory_release(NULL, memory, 100);
}

/* Before all others: nothing has been allocated in this process. */
static void test_raises_limit(void **state)
{
	(void)state;
	child_check(use_first);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0,    1,    32,   63,   64,    65,    128,   129,    1000,
		                        3700, 4096, 4097, 8192, 13608, 16384, 16385, 100000, 1048576 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
		uint8_t *memory = secret_memory_allocate(NULL, sizes[i]);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 64, 0);
		assert_true(fixture_is_zero(memory, sizes[i]));
		memset(memory, 0xa5, sizes[i]);
		secret_memory_release(NULL, memory, sizes[i]);
	}
	secret_memory_release(NULL, NULL, 0);
	assert_null(secret_memory_allocate(NULL, SIZE_MAX));
	assert_null(secret_memory_allocate(NULL, (size_t)INT32_MAX + 1));
}

static void test_wiped(void **state)
{
	static const size_t sizes[] = { 1, 64, 200, 3700, 16384 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
		/* The neighbour keeps the slab. */
		void *neighbour = secret_memory_allocate(NULL, sizes[i]);
		uint8_t *memory = secret_memory_allocate(NULL, sizes[i]);
		uint8_t *again;

		memset(memory, 0xa5, sizes[i]);
		secret_memory_release(NULL, memory, sizes[i]);
		assert_true(is_wiped(memory, sizes[i]));
		spoil(memory);
		again = secret_memory_allocate(NULL, sizes[i]);
		assert_ptr_equal(again, memory);
		assert_true(fixture_is_zero(again, sizes[i]));
		secret_memory_release(NULL, again, sizes[i]);
		secret_memory_release(NULL, neighbour, sizes[i]);
	}
}

/* Pieces come and go in any order; nobody writes to another's. */
static void test_apart(void **state)
{
	static struct {
		uint8_t *memory;
		size_t bytes;
		uint8_t fill;
	} held[500];
	uint64_t seed = 1;
	size_t before = count_mappings();

	(void)state;
	for (size_t step = 0; step < 20000; step++) {
		size_t i = fixture_below(&seed, FIXTURE_COUNT(held));

		if (held[i].memory != NULL) {
			for (size_t j = 0; j < held[i].bytes; j++) {
				if (held[i].memory[j] != held[i].fill)
					fail_msg("piece %zu was overwritten at %zu", i, j);
			}
			secret_memory_release(NULL, held[i].memory, held[i].bytes);
			held[i].memory = NULL;
		} else if (step < 19000) {
			held[i].bytes = 1 + fixture_below(&seed, (size_t)1 << fixture_below(&seed, 16));
			held[i].fill = (uint8_t)fixture_number(&seed);
			held[i].memory = secret_memory_allocate(NULL, held[i].bytes);
			assert_non_null(held[i].memory);
			assert_true(fixture_is_zero(held[i].memory, held[i].bytes));
			memset(held[i].memory, held[i].fill, held[i].bytes);
		}
	}
	for (size_t i = 0; i < FIXTURE_COUNT(held); i++)
		secret_memory_release(NULL, held[i].memory, held[i].bytes);
	/* At most one slab of each of nine sizes is kept. */
	assert_true(count_mappings() <= before + 9 * 3 + 10);
}

/* The kernel allows a process 65530 mappings; sodium_malloc() would take three for each piece. */
static void test_many(void **state)
{
	static void *peers[PEERS];
	static void *keys[PEERS][2];
	size_t before = count_mappings();
	size_t most;

	(void)state;
	for (size_t i = 0; i < PEERS; i++) {
		peers[i] = secret_memory_allocate(NULL, PEER_BYTES);
		keys[i][0] = secret_memory_allocate(NULL, 32);
		keys[i][1] = secret_memory_allocate(NULL, 64);
		assert_non_null(peers[i]);
		assert_non_null(keys[i][0]);
		assert_non_null(keys[i][1]);
	}
	most = count_mappings();
	assert_in_range(most, before + 100, before + 1000);
	for (size_t i = 0; i < PEERS; i++) {
		secret_memory_release(NULL, peers[i], PEER_BYTES);
		secret_memory_release(NULL, keys[i][0], 32);
		secret_memory_release(NULL, keys[i][1], 64);
	}
	assert_true(count_mappings() <= before + 20);
}

/* As much as these tests do, but for those that say otherwise. */
static bool may_lock(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max >= 8 << 20;
}

/* Returns whether it is locked. */
static bool check_mapping(const void *memory)
{
	struct mapping own;
	struct mapping guard;

	assert_true(find_mapping(memory, &own));
	assert_string_equal(own.access, "rw-p");
	assert_true(find_mapping((const void *)(own.start - 1), &guard));
	assert_string_equal(guard.access, "---p");
	assert_true(find_mapping((const void *)own.end, &guard));
	assert_string_equal(guard.access, "---p");
	assert_non_null(strstr(own.flags, " dd")); /* not dumped */
	return strstr(own.flags, " lo") != NULL;
}

static void test_mapping(void **state)
{
	void *small = secret_memory_allocate(NULL, 32);
	uint8_t *large = secret_memory_allocate(NULL, 100000);
	struct mapping mapping;
	bool small_locked = check_mapping(small);
	bool large_locked = check_mapping(large);

	(void)state;
	if (may_lock())
		assert_int_equal(secret_memory_kind(), SECRET_MEMORY_LOCKED);
	if (!CHILD_SANITIZED)
		assert_int_equal(secret_memory_kind(), small_locked && large_locked
		                                               ? SECRET_MEMORY_LOCKED
		                                               : SECRET_MEMORY_NOT_LOCKED);
	/* The end of a large piece is a guard. */
	assert_true(find_mapping(large + 100000 - 1, &mapping));
	assert_ptr_equal(mapping.end, (uintptr_t)large + 100032);
	secret_memory_release(NULL, small, 32);
	secret_memory_release(NULL, large, 100000);
}

static void release_twice(void)
{
	void *memory = secret_memory_allocate(NULL, 100);

	secret_memory_release(NULL, memory, 100);
	secret_memory_release(NULL, memory, 100);
}

static void release_large_twice(void)
{
	void *memory = secret_memory_allocate(NULL, 100000);

	secret_memory_release(NULL, memory, 100000);
	secret_memory_release(NULL, memory, 100000);
}

static void release_middle(void)
{
	uint8_t *memory = secret_memory_allocate(NULL, 1000);

	secret_memory_release(NULL, memory + 64, 936);
}

static void release_foreign(void)
{
	static uint8_t foreign[64];

	secret_memory_release(NULL, foreign, sizeof foreign);
}

static void release_stack(void)
{
	_Alignas(4096) uint8_t foreign[64];

	secret_memory_release(NULL, foreign, sizeof foreign);
}

static void write_beyond(void)
{
	uint8_t *memory = secret_memory_allocate(NULL, 100);

	((volatile uint8_t *)memory)[100] = 1;
	secret_memory_release(NULL, memory, 100);
}

static void write_beyond_large(void)
{
	uint8_t *memory = secret_memory_allocate(NULL, 100032);

	((volatile uint8_t *)memory)[100032] = 1;
}

static void test_mistakes_end(void **state)
{
	static const struct {
		void (*body)(void);
		int signal;
	} cases[] = {
		{ release_twice, SIGABRT },      { release_large_twice, SIGABRT },
		{ release_middle, SIGABRT },     { release_foreign, SIGABRT },
		{ release_stack, SIGABRT },      { write_beyond, SIGABRT },
		{ write_beyond_large, SIGSEGV },
	};
	int err = dup(STDERR_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(err >= 0 && null >= 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		int status;

		(void)dup2(null, STDERR_FILENO);
		status = child_run(cases[i].body);
		(void)dup2(err, STDERR_FILENO);
		if (CHILD_SANITIZED)
			assert_true(status != 0);
		else if (!WIFSIGNALED(status) || WTERMSIG(status) != cases[i].signal)
			fail_msg("case %zu: status %d", i, status);
	}
	(void)close(err);
	(void)close(null);
}

/* Becomes a user who may lock nothing. */
static void forbid_locks(void)
{
	static const struct rlimit none = { 0, 0 };

	if (geteuid() == 0)
		CHILD_CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	CHILD_CHECK(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
}

static void use_without_locks(void)
{
	uint8_t *memory;

	forbid_locks();
	memory = secret_memory_allocate(NULL, 100000);
	CHILD_CHECK(memory != NULL);
	memset(memory, 1, 100000);
	CHILD_CHECK(secret_memory_kind() == SECRET_MEMORY_NOT_LOCKED);
	secret_memory_release(NULL, memory, 100000);
}

static void use_memfd_without_locks(void)
{
	uint8_t *memory;
	void *better;

	secret_memory_use_memfd_secret();
	better = secret_memory_allocate(NULL, 64);
	CHILD_CHECK(better != NULL);
	forbid_locks();
	memory = secret_memory_allocate(NULL, 100000);
	CHILD_CHECK(memory != NULL);
	memset(memory, 1, 100000);
	CHILD_CHECK(secret_memory_kind() == SECRET_MEMORY_NOT_LOCKED);
	secret_memory_release(NULL, memory, 100000);
	secret_memory_release(NULL, better, 64);
}

static void test_without_locks(void **state)
{
	(void)state;
	if (CHILD_SANITIZED)
		skip();
	child_check(use_without_locks);
	child_check(use_memfd_without_locks);
}

/* Whoever forks has locked nothing, until we lock again. */
static uint8_t *inherited;

static void lock_again(void)
{
	struct mapping mapping;

	CHILD_CHECK(find_mapping(inherited, &mapping) && strstr(mapping.flags, " lo") == NULL);
	secret_memory_use_memfd_secret();
	CHILD_CHECK(find_mapping(inherited, &mapping) && strstr(mapping.flags, " lo") != NULL);
	CHILD_CHECK(inherited[3] == 7);
	secret_memory_release(NULL, inherited, 4);
}

static void test_locks_after_fork(void **state)
{
	(void)state;
	if (CHILD_SANITIZED)
		skip();
	inherited = secret_memory_allocate(NULL, 4);
	inherited[3] = 7;
	if (secret_memory_kind() == SECRET_MEMORY_LOCKED)
		child_check(lock_again);
	assert_int_equal(inherited[3], 7);
	secret_memory_release(NULL, inherited, 4);
}

static void wipe_inherited(void)
{
	*(volatile uint8_t *)inherited = 0;
}

/* Not even the kernel reads it for another process. */
static bool can_be_read_from_outside(void *memory)
{
	uint8_t copy = 0;
	struct iovec local = { &copy, 1 };
	struct iovec remote = { memory, 1 };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

static bool has_memfd_secret(void)
{
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, 0);

	if (fd < 0)
		return false;
	(void)close(fd);
	return may_lock();
#else
	return false;
#endif
}

static void use_memfd_secret(void)
{
	uint8_t *old = secret_memory_allocate(NULL, 64);
	struct mapping mapping;
	void *large;
	pid_t child;
	int status;

	if (!has_memfd_secret())
		_exit(CHILD_LACKS);
	CHILD_CHECK(can_be_read_from_outside(old));
	secret_memory_use_memfd_secret();
	inherited = secret_memory_allocate(NULL, 64);
	large = secret_memory_allocate(NULL, 20000);
	CHILD_CHECK(inherited != NULL && large != NULL);
	CHILD_CHECK(find_mapping(inherited, &mapping) && strcmp(mapping.path, "/secretmem") == 0);
	CHILD_CHECK(secret_memory_kind() == SECRET_MEMORY_MEMFD_SECRET);
	CHILD_CHECK(find_mapping(large, &mapping) && strcmp(mapping.path, "/secretmem") == 0);
	CHILD_CHECK(find_mapping(old, &mapping) && strcmp(mapping.path, "/secretmem") != 0);
	*inherited = 9;
	CHILD_CHECK(!can_be_read_from_outside(inherited));
	child = fork();
	if (child == 0) {
		wipe_inherited();
		_exit(0);
	}
	CHILD_CHECK(waitpid(child, &status, 0) == child && status != 0);
	CHILD_CHECK(*inherited == 9);
	*old = 1;
	secret_memory_release(NULL, old, 64);
	secret_memory_release(NULL, inherited, 64);
	secret_memory_release(NULL, large, 20000);
	old = secret_memory_allocate(NULL, 64);
	CHILD_CHECK(find_mapping(old, &mapping) && strcmp(mapping.path, "/secretmem") == 0);
	/* Twice is as good as once. */
	secret_memory_use_memfd_secret();
	inherited = secret_memory_allocate(NULL, 64);
	CHILD_CHECK((uintptr_t)inherited >= mapping.start && (uintptr_t)inherited < mapping.end);
	CHILD_CHECK(secret_memory_kind() == SECRET_MEMORY_MEMFD_SECRET);
	secret_memory_release(NULL, old, 64);
	secret_memory_release(NULL, inherited, 64);
}

/* A child has one piece, its parent all. */
static void wipe_copies(void)
{
	static const size_t sizes[] = { 1, 64, 65, 100, 5000, 16384, 20000, 300000 };
	uint8_t *pieces[FIXTURE_COUNT(sizes)];
	const size_t kept = 3;
	pid_t child;
	int status;

	for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
		pieces[i] = secret_memory_allocate(NULL, sizes[i]);
		CHILD_CHECK(pieces[i] != NULL);
		memset(pieces[i], 7, sizes[i]);
	}
	if (has_memfd_secret()) {
		secret_memory_use_memfd_secret();
		inherited = secret_memory_allocate(NULL, 64);
		CHILD_CHECK(inherited != NULL);
		*inherited = 7;
	}
	child = fork();
	if (child == 0) {
		secret_memory_wipe_inherited(pieces[kept]);
		for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
			for (size_t n = 0; n < sizes[i]; n++)
				CHILD_CHECK(pieces[i][n] == (i == kept ? 7 : 0));
		}
		secret_memory_wipe_inherited(NULL);
		CHILD_CHECK(fixture_is_zero(pieces[kept], sizes[kept]));
		for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++)
			secret_memory_release(NULL, pieces[i], sizes[i]);
		_exit(0);
	}
	CHILD_CHECK(waitpid(child, &status, 0) == child && status == 0);
	for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
		for (size_t n = 0; n < sizes[i]; n++)
			CHILD_CHECK(pieces[i][n] == 7);
		secret_memory_release(NULL, pieces[i], sizes[i]);
	}
	if (has_memfd_secret())
		CHILD_CHECK(*inherited == 7);
}

static void test_wipe_inherited(void **state)
{
	(void)state;
	child_check(wipe_copies);
}

static void test_memfd_secret(void **state)
{
	(void)state;
	child_check(use_memfd_secret);
}

static void exhaust(void)
{
	static void *held[1000];
	static const struct rlimit limit = { 64 << 20, 64 << 20 };
	size_t count = 0;

	CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
	while (count < FIXTURE_COUNT(held)) {
		held[count] = secret_memory_allocate(NULL, 1 << 20);
		if (held[count] == NULL)
			break;
		count++;
	}
	CHILD_CHECK(count > 5 && count < FIXTURE_COUNT(held));
	for (size_t i = 0; i < count; i++)
		secret_memory_release(NULL, held[i], 1 << 20);
	held[0] = secret_memory_allocate(NULL, 1 << 20);
	CHILD_CHECK(held[0] != NULL);
	secret_memory_release(NULL, held[0], 1 << 20);
}

static void test_exhausted(void **state)
{
	const char *preload = getenv("LD_PRELOAD");

	(void)state;
	/* Neither a sanitizer nor valgrind lives within the limit. */
	if (CHILD_SANITIZED || (preload != NULL && strstr(preload, "vgpreload") != NULL))
		skip();
	child_check(exhaust);
}

static void protect(void)
{
	struct rlimit limit;

	CHILD_CHECK(secret_memory_protect_process() == 0);
	CHILD_CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHILD_CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
}

static void test_protect_process(void **state)
{
	(void)state;
	child_check(protect);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(secret_memory_kind_name(SECRET_MEMORY_MEMFD_SECRET), "memfd_secret");
	assert_string_equal(secret_memory_kind_name(SECRET_MEMORY_LOCKED), "locked");
	assert_string_equal(secret_memory_kind_name(SECRET_MEMORY_NOT_LOCKED),
	                    "not locked (RLIMIT_MEMLOCK is too low)");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raises_limit),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_mistakes_end),
		cmocka_unit_test(test_without_locks),
		cmocka_unit_test(test_locks_after_fork),
		cmocka_unit_test(test_memfd_secret),
		cmocka_unit_test(test_wipe_inherited),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_protect_process),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
