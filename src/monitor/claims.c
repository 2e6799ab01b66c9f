#include "monitor/claims.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/file_temporary.h"

#define BUCKETS_FIRST 64
/* Of longer paths so much is shown that both have room. */
#define PATH_SHOWN 150

enum by {
	BY_PLACE,
	BY_INODE,
};

struct link {
	struct claim *next;
	struct claim **previous; /* what points to this one; NULL: it is in no bucket */
};

struct claim {
	struct claim *next_of_list;
	struct link links[2]; /* by place, by inode */
	enum claims_use use;
	struct file_identity identity;
	char *path;          /* NULL: it is a word, which stands as the name of its identity */
	const uint8_t *key;  /* a public key, whose first bytes are that word; NULL: it is none */
	const char *setting; /* of a file */
	char *owner;         /* NULL: the daemon itself */
	const void *subject;
	bool is_written; /* the file is the one that the owner wrote */
};

/* Words are places in directories that no file system has. Public keys have one of their own. */
#define KEY_KIND (CLAIMS_PEER_NAME + 1)
/* So many bytes of one are random enough to find it by. */
#define KEY_PREFIX_BYTES 8

static void set_word(struct file_identity *identity, unsigned kind, const char *word)
{
	*identity = (struct file_identity){ .folder_device = UINT64_MAX,
		                            .folder_inode = kind,
		                            /* It is only read. */
		                            .name = (char *)(uintptr_t)word };
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15U;
	return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct file_identity *identity, enum by by)
{
	uint64_t hash = mix(by, by == BY_PLACE ? identity->folder_device : identity->device);

	hash = mix(hash, by == BY_PLACE ? identity->folder_inode : identity->inode);
	for (const char *at = identity->name; by == BY_PLACE && *at != '\0'; at++)
		hash = mix(hash, (unsigned char)*at);
	return hash;
}

static struct claim **bucket(const struct claims *claims, const struct file_identity *identity,
                             enum claims_use use, enum by by)
{
	return &claims->heads[use][by][hash_of(identity, by) & (claims->buckets - 1)];
}

static void insert(struct claims *claims, struct claim *claim)
{
	for (int by = BY_PLACE; by <= BY_INODE; by++) {
		struct link *link = &claim->links[by];
		struct claim **head;

		*link = (struct link){ 0 };
		if (by == BY_INODE && !claim->identity.exists)
			continue;
		head = bucket(claims, &claim->identity, claim->use, (enum by)by);
		link->next = *head;
		link->previous = head;
		if (link->next != NULL)
			link->next->links[by].previous = &link->next;
		*head = claim;
	}
}

static void withdraw(struct claim *claim)
{
	for (int by = BY_PLACE; by <= BY_INODE; by++) {
		struct link *link = &claim->links[by];

		if (link->previous == NULL)
			continue;
		*link->previous = link->next;
		if (link->next != NULL)
			link->next->links[by].previous = link->previous;
		*link = (struct link){ 0 };
	}
}

static void release_heads(struct claims *claims)
{
	for (int use = CLAIMS_INPUT; use <= CLAIMS_OUTPUT; use++) {
		for (int by = BY_PLACE; by <= BY_INODE; by++)
			free(claims->heads[use][by]);
	}
}

/* Makes room for one claim more. */
static int reserve(struct claims *claims)
{
	struct claims larger = { .buckets = claims->buckets == 0 ? BUCKETS_FIRST : 2 * claims->buckets,
		                 .count = claims->count };
	bool complete = true;

	if (claims->count < claims->buckets)
		return 0;
	for (int use = CLAIMS_INPUT; use <= CLAIMS_OUTPUT; use++) {
		for (int by = BY_PLACE; by <= BY_INODE; by++) {
			larger.heads[use][by] = calloc(larger.buckets, sizeof(struct claim *));
			complete &= larger.heads[use][by] != NULL;
		}
	}
	if (!complete) {
		release_heads(&larger);
		return -ENOMEM;
	}
	/* Every claim has a place. */
	for (size_t i = 0; i < claims->buckets; i++) {
		for (int use = CLAIMS_INPUT; use <= CLAIMS_OUTPUT; use++) {
			for (struct claim *at = claims->heads[use][BY_PLACE][i], *next; at != NULL;
			     at = next) {
				next = at->links[BY_PLACE].next;
				insert(&larger, at);
			}
		}
	}
	release_heads(claims);
	*claims = larger;
	return 0;
}

static bool is_match(const struct file_identity *a, const struct file_identity *b, enum by by)
{
	return by == BY_PLACE ? file_identity_same_place(a, b) : file_identity_same_inode(a, b);
}

static void release_claim(struct claim *claim)
{
	file_identity_release(&claim->identity);
	free(claim->path);
	free(claim->owner);
	free(claim);
}

/* Looks at the file of a claim again. */
static void look_again(struct claims *claims, struct claim *claim)
{
	struct file_identity now;

	if (claim->path == NULL)
		return;
	if (file_identify(&now, claim->path) != -ENOMEM) {
		withdraw(claim);
		claim->is_written &= file_identity_same_inode(&claim->identity, &now);
		file_identity_release(&claim->identity);
		claim->identity = now;
		insert(claims, claim);
	}
}

static bool is_in(const struct claim *claim, const struct claim *list)
{
	while (list != NULL && list != claim)
		list = list->next_of_list;
	return list != NULL;
}

/*
 * The claim that is in the way of this one. An inode may have been given to another file since: what
 * matches is looked at again. list: of its owner, whose outputs do not count.
 */
static struct claim *search(struct claims *claims, const struct file_identity *identity, enum claims_use use,
                            enum by by, const struct claim *list)
{
	struct claim *at;

	if (claims->buckets == 0 || (by == BY_INODE && !identity->exists))
		return NULL;
	at = *bucket(claims, identity, use, by);
	for (struct claim *next; at != NULL; at = next) {
		next = at->links[by].next;

		if (is_match(&at->identity, identity, by) &&
		    !(use == CLAIMS_OUTPUT && list != NULL && is_in(at, list))) {
			look_again(claims, at);
			if (is_match(&at->identity, identity, by))
				return at;
		}
	}
	return NULL;
}

static struct claim *find(struct claims *claims, const struct file_identity *identity, enum claims_use use,
                          const struct claim *list)
{
	struct claim *found = search(claims, identity, use, BY_PLACE, list);

	return found != NULL ? found : search(claims, identity, use, BY_INODE, list);
}

static int fail_taken(char problem[static CLAIMS_PROBLEM_BYTES], const struct claims_file *file,
                      const struct claim *taken)
{
	(void)snprintf(problem, CLAIMS_PROBLEM_BYTES,
	               "%s%s%s \"%.*s\" is the same file as %s%s%s \"%.*s\"; use another file",
	               file->owner == NULL ? "" : file->owner, file->owner == NULL ? "" : ": ", file->setting,
	               PATH_SHOWN, file->path, taken->owner == NULL ? "" : taken->owner,
	               taken->owner == NULL ? "" : "'s ", taken->setting, PATH_SHOWN, taken->path);
	return -1;
}

static int fail_temporary(char problem[static CLAIMS_PROBLEM_BYTES], const struct claims_file *file)
{
	(void)snprintf(
		problem, CLAIMS_PROBLEM_BYTES,
		"%s%s%s \"%.*s\" has a name as temporary files of Rosenpass have, which are removed at "
		"the start; rename it",
		file->owner == NULL ? "" : file->owner, file->owner == NULL ? "" : ": ", file->setting,
		PATH_SHOWN, file->path);
	return -1;
}

static int fail_memory(char problem[static CLAIMS_PROBLEM_BYTES])
{
	(void)snprintf(problem, CLAIMS_PROBLEM_BYTES, "out of memory");
	return -1;
}

/* -ENOMEM: nothing was made. identity becomes the claim's in any case. */
static int put(struct claims *claims, struct claim **list, struct file_identity *identity,
               struct claim values, const char *path, const char *owner)
{
	struct claim *claim = calloc(1, sizeof *claim);

	if (claim == NULL || reserve(claims) != 0) {
		free(claim);
		file_identity_release(identity);
		return -ENOMEM;
	}
	*claim = values;
	claim->identity = *identity;
	claim->path = path == NULL ? NULL : strdup(path);
	claim->owner = owner == NULL ? NULL : strdup(owner);
	if ((path != NULL && claim->path == NULL) || (owner != NULL && claim->owner == NULL)) {
		release_claim(claim);
		return -ENOMEM;
	}
	insert(claims, claim);
	claims->count++;
	claim->next_of_list = *list;
	*list = claim;
	return 0;
}

int claims_add(struct claims *claims, struct claim **list, const struct claims_file *file,
               char problem[static CLAIMS_PROBLEM_BYTES])
{
	const struct claim values = { .use = file->use, .setting = file->setting };
	struct file_identity identity;
	struct claim *taken;

	if (file_identify(&identity, file->path) == -ENOMEM)
		return fail_memory(problem);
	if (file_temporary_is_name(identity.name)) {
		file_identity_release(&identity);
		return fail_temporary(problem, file);
	}
	/* What is only read is in the way of what is written, and that of everything. */
	taken = file->use == CLAIMS_OUTPUT ? find(claims, &identity, CLAIMS_INPUT, NULL) : NULL;
	if (taken == NULL)
		taken = find(claims, &identity, CLAIMS_OUTPUT, NULL);
	if (taken != NULL) {
		file_identity_release(&identity);
		return fail_taken(problem, file, taken);
	}
	if (put(claims, list, &identity, values, file->path, file->owner) != 0)
		return fail_memory(problem);
	return 0;
}

static const struct claim *find_word(const struct claims *claims, const struct file_identity *identity,
                                     const uint8_t *key)
{
	const struct claim *at =
		claims->buckets == 0 ? NULL : *bucket(claims, identity, CLAIMS_OUTPUT, BY_PLACE);

	for (; at != NULL; at = at->links[BY_PLACE].next) {
		if (file_identity_same_place(&at->identity, identity) &&
		    (key == NULL || memcmp(at->key, key, ROSENPASS_PUBLIC_KEY_BYTES) == 0))
			break;
	}
	return at;
}

static int add_word(struct claims *claims, struct claim **list, unsigned kind, const char *word,
                    const uint8_t *key, const char *owner, const struct claim **taken)
{
	const struct claim values = { .use = CLAIMS_OUTPUT, .key = key };
	struct file_identity identity;

	set_word(&identity, kind, word);
	*taken = find_word(claims, &identity, key);
	if (*taken != NULL)
		return -EEXIST;
	identity.name = strdup(word);
	if (identity.name == NULL)
		return -ENOMEM;
	return put(claims, list, &identity, values, NULL, owner);
}

int claims_add_word(struct claims *claims, struct claim **list, enum claims_kind kind, const char *word,
                    const char *owner, const struct claim **taken)
{
	return add_word(claims, list, kind, word, NULL, owner, taken);
}

static void write_prefix(char out[static 2 * KEY_PREFIX_BYTES + 1], const uint8_t *bytes)
{
	for (size_t i = 0; i < KEY_PREFIX_BYTES; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

int claims_add_key(struct claims *claims, struct claim **list,
                   const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES], const char *owner,
                   const struct claim **taken)
{
	char word[2 * KEY_PREFIX_BYTES + 1];

	write_prefix(word, bytes);
	return add_word(claims, list, KEY_KIND, word, bytes, owner, taken);
}

const struct claim *claims_find_key(const struct claims *claims,
                                    const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES])
{
	char word[2 * KEY_PREFIX_BYTES + 1];
	struct file_identity identity;

	write_prefix(word, bytes);
	set_word(&identity, KEY_KIND, word);
	return find_word(claims, &identity, bytes);
}

const struct claim *claims_find_output(struct claims *claims, const struct file_identity *identity)
{
	return find(claims, identity, CLAIMS_OUTPUT, NULL);
}

const char *claims_owner(const struct claim *claim)
{
	return claim->owner;
}

const void *claims_subject(const struct claim *claim)
{
	return claim->subject;
}

void claims_set_subject(struct claim *list, const void *subject)
{
	for (; list != NULL; list = list->next_of_list)
		list->subject = subject;
}

/*
 * Whether the owner of list wrote that file, which has no other name. No claim can be in the way of it then:
 * whatever it was replaced by, or linked to, would be another file or have two names.
 */
static bool is_own(const struct claim *list, const struct file_identity *identity)
{
	if (identity->links != 1)
		return false;
	while (list != NULL && !(list->is_written && file_identity_same_place(&list->identity, identity) &&
	                         file_identity_same_inode(&list->identity, identity)))
		list = list->next_of_list;
	return list != NULL;
}

int claims_check_output(struct claims *claims, struct claim *daemon, struct claim *list,
                        const struct claims_file *file, bool only_inputs, struct file_identity *judged,
                        char problem[static CLAIMS_PROBLEM_BYTES])
{
	struct claim *taken;

	if (file_identify(judged, file->path) == -ENOMEM)
		return fail_memory(problem);
	if (is_own(list, judged))
		return 0;
	claims_refresh(claims, daemon);
	claims_refresh(claims, list);
	taken = find(claims, judged, CLAIMS_INPUT, list);
	if (taken == NULL && !only_inputs)
		taken = find(claims, judged, CLAIMS_OUTPUT, list);
	if (taken == NULL)
		return 0;
	(void)fail_taken(problem, file, taken);
	file_identity_release(judged);
	return -1;
}

void claims_written(struct claims *claims, struct claim *list)
{
	for (; list != NULL; list = list->next_of_list) {
		if (list->use != CLAIMS_OUTPUT || list->path == NULL)
			continue;
		look_again(claims, list);
		list->is_written = true;
	}
}

void claims_refresh(struct claims *claims, struct claim *list)
{
	for (; list != NULL; list = list->next_of_list)
		look_again(claims, list);
}

void claims_drop(struct claims *claims, struct claim **list)
{
	while (*list != NULL) {
		struct claim *claim = *list;

		*list = claim->next_of_list;
		withdraw(claim);
		release_claim(claim);
		claims->count--;
	}
}

void claims_release(struct claims *claims)
{
	for (size_t i = 0; i < claims->buckets; i++) {
		for (int use = CLAIMS_INPUT; use <= CLAIMS_OUTPUT; use++) {
			for (struct claim *at = claims->heads[use][BY_PLACE][i], *next; at != NULL;
			     at = next) {
				next = at->links[BY_PLACE].next;
				release_claim(at);
			}
		}
	}
	release_heads(claims);
	*claims = (struct claims){ 0 };
}
