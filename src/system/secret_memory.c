#include "system/secret_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "system/log.h"
#include "system/sandbox_numbers.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ADDRESS_SANITIZER
#endif
#ifdef WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

#define ALIGNMENT_BYTES 64
#define CLASS_COUNT 9 /* 64 bytes, 128, ... */
#define CLASS_BYTES_MAX (ALIGNMENT_BYTES << (CLASS_COUNT - 1))
#define SLAB_BYTES_MAX (256 * 1024)
#define BYTES_MAX INT32_MAX /* and its guard pages fit a 32-bit size */
#define LARGE CLASS_COUNT
#define NO_PIECE UINT16_MAX

static_assert(CLASS_BYTES_MAX == 16384, "classes up to 16 KiB");
static_assert(SLAB_BYTES_MAX / ALIGNMENT_BYTES < NO_PIECE, "pieces are counted in 16 bits");

struct piece {
	uint32_t bytes; /* asked for; 0: free */
	uint16_t next;  /* free one; NO_PIECE: the last */
};

/*
 * A slab of equal pieces, or one large piece. What is known about pieces stays outside, so that free ones
 * are zero.
 */
struct region {
	uint8_t *mapping; /* with a guard page on either side */
	size_t mapping_bytes;
	uint8_t *start;
	size_t piece_bytes;
	enum secret_memory_kind kind;
	unsigned generation;
	unsigned class; /* LARGE: by itself */
	uint16_t count;
	uint16_t used;
	uint16_t first_free;
	struct piece pieces[];
};

static struct {
	bool started;
	bool use_memfd_secret;
	/* Counts the change to memfd_secret: older slabs get no new pieces. */
	unsigned generation;
	size_t page_bytes;
	struct region **regions; /* by address */
	size_t count;
	size_t capacity;
	struct region *open[CLASS_COUNT]; /* where the next piece is looked for first; may be NULL or full */
	unsigned slabs[CLASS_COUNT];      /* of this generation */
} pool;

/* Tells the address sanitizer which bytes somebody may touch. */
static void set_usable(uint8_t *start, size_t bytes, bool usable)
{
#ifdef WITH_ADDRESS_SANITIZER
	if (usable)
		__asan_unpoison_memory_region(start, bytes);
	else
		__asan_poison_memory_region(start, bytes);
#else
	(void)start;
	(void)bytes;
	(void)usable;
#endif
}

static void start(void)
{
	struct rlimit limit;

	if (pool.started)
		return;
	pool.started = true;
	pool.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	/* The soft limit is there for programs that lock by accident. */
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	}
}

static int open_memfd_secret(void)
{
#ifdef SYS_memfd_secret
	return (int)syscall(SYS_memfd_secret, O_CLOEXEC);
#else
	errno = ENOSYS;
	return -1;
#endif
}

static bool back_with_memfd_secret(uint8_t *at, size_t bytes)
{
	void *mapped = MAP_FAILED;
	int fd = open_memfd_secret();

	if (fd < 0)
		return false;
	if (ftruncate(fd, (off_t)bytes) == 0)
		mapped = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	(void)close(fd);
	if (mapped == MAP_FAILED)
		return false;
	/* A child that wiped it would wipe ours. */
	(void)madvise(at, bytes, MADV_DONTFORK);
	return true;
}

static enum secret_memory_kind lock(uint8_t *at, size_t bytes)
{
	return mlock(at, bytes) == 0 ? SECRET_MEMORY_LOCKED : SECRET_MEMORY_NOT_LOCKED;
}

/* Puts zeroed memory of the best kind there is between the guard pages. */
static bool back(struct region *region)
{
	uint8_t *at = region->mapping + pool.page_bytes;
	size_t bytes = region->mapping_bytes - 2 * pool.page_bytes;

	if (pool.use_memfd_secret && back_with_memfd_secret(at, bytes)) {
		region->kind = SECRET_MEMORY_MEMFD_SECRET;
		return true;
	}
	/* Mapped anew, not made accessible: what failed above can have left a hole. */
	if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		return false;
	(void)madvise(at, bytes, MADV_DONTDUMP);
	region->kind = lock(at, bytes);
	return true;
}

/* The place of the first region that starts behind the address. */
static size_t place_behind(const uint8_t *address)
{
	size_t low = 0;
	size_t high = pool.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((uintptr_t)pool.regions[middle]->start <= (uintptr_t)address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool make_room_for_region(void)
{
	size_t capacity = pool.capacity == 0 ? 16 : 2 * pool.capacity;
	struct region **regions;

	if (pool.count < pool.capacity)
		return true;
	regions = reallocarray(pool.regions, capacity, sizeof(struct region *));
	if (regions == NULL)
		return false;
	pool.regions = regions;
	pool.capacity = capacity;
	return true;
}

static void link_region(struct region *region)
{
	size_t place = place_behind(region->start);

	memmove(&pool.regions[place + 1], &pool.regions[place],
	        (pool.count - place) * sizeof(struct region *));
	pool.regions[place] = region;
	pool.count++;
	if (region->class != LARGE)
		pool.slabs[region->class]++;
}

/* count pieces of piece_bytes, which is a multiple of the alignment; NULL: out of memory. */
static struct region *create_region(unsigned class, size_t piece_bytes, uint16_t count)
{
	size_t bytes = piece_bytes * count;
	size_t inner = (bytes + pool.page_bytes - 1) / pool.page_bytes * pool.page_bytes;
	struct region *region;

	if (!make_room_for_region())
		return NULL;
	region = calloc(1, sizeof *region + count * sizeof(struct piece));
	if (region == NULL)
		return NULL;
	region->mapping_bytes = inner + 2 * pool.page_bytes;
	region->mapping = mmap(NULL, region->mapping_bytes, PROT_NONE,
	                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region->mapping == MAP_FAILED) {
		free(region);
		return NULL;
	}
	if (!back(region)) {
		(void)munmap(region->mapping, region->mapping_bytes);
		free(region);
		return NULL;
	}
	/* The last piece ends at the guard page. */
	region->start = region->mapping + pool.page_bytes + (inner - bytes);
	region->piece_bytes = piece_bytes;
	region->generation = pool.generation;
	region->class = class;
	region->count = count;
	for (uint16_t i = 0; i < count; i++)
		region->pieces[i].next = i + 1 < count ? (uint16_t)(i + 1) : NO_PIECE;
	set_usable(region->start, bytes, false);
	link_region(region);
	return region;
}

/* All its pieces are free, hence wiped. */
static void destroy_region(struct region *region)
{
	size_t place = place_behind(region->start) - 1;

	assert(pool.regions[place] == region);
	pool.count--;
	memmove(&pool.regions[place], &pool.regions[place + 1],
	        (pool.count - place) * sizeof(struct region *));
	if (region->class != LARGE && region->generation == pool.generation)
		pool.slabs[region->class]--;
	set_usable(region->start, region->piece_bytes * region->count, true);
	(void)munmap(region->mapping, region->mapping_bytes);
	free(region);
}

static bool has_room(const struct region *region)
{
	return region != NULL && region->used < region->count;
}

/* Small at first for the few peers of most, and twice as large each time for the many of a hub. */
static struct region *create_slab(unsigned class)
{
	size_t piece_bytes = (size_t)ALIGNMENT_BYTES << class;
	size_t bytes = 2 * piece_bytes > pool.page_bytes ? 2 * piece_bytes : pool.page_bytes;

	for (unsigned i = 0; i < pool.slabs[class] && bytes < SLAB_BYTES_MAX; i++)
		bytes *= 2;
	return create_region(class, piece_bytes, (uint16_t)(bytes / piece_bytes));
}

static struct region *slab_with_room(unsigned class)
{
	if (has_room(pool.open[class]))
		return pool.open[class];
	pool.open[class] = NULL;
	for (size_t i = 0; i < pool.count && pool.open[class] == NULL; i++) {
		struct region *region = pool.regions[i];

		if (region->class == class && region->generation == pool.generation && has_room(region))
			pool.open[class] = region;
	}
	if (pool.open[class] == NULL)
		pool.open[class] = create_slab(class);
	return pool.open[class];
}

static void *take_piece(struct region *region, uint32_t bytes)
{
	uint16_t i = region->first_free;
	uint8_t *memory = region->start + i * region->piece_bytes;

	region->first_free = region->pieces[i].next;
	region->pieces[i].bytes = bytes;
	region->used++;
	set_usable(memory, region->piece_bytes, true);
	/* Zero already, unless somebody wrote there after releasing it. */
	sodium_memzero(memory, region->piece_bytes);
	set_usable(memory + bytes, region->piece_bytes - bytes, false);
	return memory;
}

void *secret_memory_allocate(void *context, size_t bytes)
{
	struct region *region;
	unsigned class = 0;

	(void)context;
	if (bytes > BYTES_MAX)
		return NULL;
	if (bytes == 0)
		bytes = 1;
	start();
	while (class < CLASS_COUNT && (size_t)ALIGNMENT_BYTES << class < bytes)
		class ++;
	if (class < CLASS_COUNT)
		region = slab_with_room(class);
	else
		region = create_region(LARGE,
		                       (bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES, 1);
	return region == NULL ? NULL : take_piece(region, (uint32_t)bytes);
}

static _Noreturn void give_up(const char *what)
{
	log_error("secret memory: %s; this is a bug; the program stops", what);
	abort();
}

/* The region and number of a piece in use. */
static struct region *find_piece(const uint8_t *memory, size_t *number)
{
	size_t place = place_behind(memory);
	struct region *region = place == 0 ? NULL : pool.regions[place - 1];
	size_t offset = region == NULL ? 0 : (size_t)(memory - region->start);

	if (region == NULL || offset / region->piece_bytes >= region->count ||
	    offset % region->piece_bytes != 0)
		give_up("released what was never allocated");
	*number = offset / region->piece_bytes;
	if (region->pieces[*number].bytes == 0)
		give_up("released twice");
	return region;
}

/* A slab without pieces goes back, but for one: allocating and releasing in turn would map each time. */
static void keep_or_destroy(struct region *region)
{
	bool current = region->class != LARGE && region->generation == pool.generation;
	struct region **open = current ? &pool.open[region->class] : NULL;

	if (region->used == 0 && (!current || (*open != region && has_room(*open))))
		destroy_region(region);
	else if (current && !has_room(*open))
		*open = region;
}

void secret_memory_release(void *context, void *memory, size_t bytes)
{
	struct region *region;
	struct piece *piece;
	size_t number;
	uint8_t *start_of_piece = memory;

	(void)context;
	(void)bytes;
	if (memory == NULL)
		return;
	region = find_piece(memory, &number);
	piece = &region->pieces[number];
	set_usable(start_of_piece, region->piece_bytes, true);
	if (!sodium_is_zero(start_of_piece + piece->bytes, region->piece_bytes - piece->bytes))
		give_up("written beyond its end");
	sodium_memzero(memory, region->piece_bytes);
	set_usable(start_of_piece, region->piece_bytes, false);
	piece->bytes = 0;
	piece->next = region->first_free;
	region->first_free = (uint16_t)number;
	region->used--;
	keep_or_destroy(region);
}

void secret_memory_wipe_inherited(const void *keep)
{
	for (size_t i = 0; i < pool.count; i++) {
		struct region *region = pool.regions[i];

		for (uint16_t n = 0; region->kind != SECRET_MEMORY_MEMFD_SECRET && n < region->count; n++) {
			uint8_t *piece = region->start + n * region->piece_bytes;

			if (region->pieces[n].bytes != 0 && piece != keep)
				sodium_memzero(piece, region->pieces[n].bytes);
		}
	}
}

void secret_memory_use_memfd_secret(void)
{
	int fd;

	start();
	for (size_t i = 0; i < pool.count; i++) {
		struct region *region = pool.regions[i];

		if (region->kind != SECRET_MEMORY_MEMFD_SECRET)
			region->kind = lock(region->mapping + pool.page_bytes,
			                    region->mapping_bytes - 2 * pool.page_bytes);
	}
	if (pool.use_memfd_secret)
		return;
	fd = open_memfd_secret();
	if (fd < 0)
		return;
	(void)close(fd);
	pool.use_memfd_secret = true;
	pool.generation++;
	memset(pool.open, 0, sizeof pool.open);
	memset(pool.slabs, 0, sizeof pool.slabs);
}

enum secret_memory_kind secret_memory_kind(void)
{
	enum secret_memory_kind kind =
		pool.use_memfd_secret ? SECRET_MEMORY_MEMFD_SECRET : SECRET_MEMORY_LOCKED;

	for (size_t i = 0; i < pool.count; i++) {
		const struct region *region = pool.regions[i];

		if (region->used > 0 && region->generation == pool.generation && region->kind < kind)
			kind = region->kind;
	}
	return kind;
}

const char *secret_memory_kind_name(enum secret_memory_kind kind)
{
	switch (kind) {
	case SECRET_MEMORY_MEMFD_SECRET:
		return "memfd_secret";
	case SECRET_MEMORY_LOCKED:
		return "locked";
	default:
		return "not locked (RLIMIT_MEMLOCK is too low)";
	}
}

int secret_memory_protect_process(void)
{
	static const struct rlimit none = { 0, 0 };
	struct rlimit limit;

	/* This alone forbids dumps and readers; the limit is a second bar, which may be set already. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	if (setrlimit(RLIMIT_CORE, &none) == 0)
		return 0;
	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 ? 0 : -errno;
}
