#include "monitor/output_guard.h"

#include <assert.h>
#include <errno.h>

#include "delivery/sink_file.h"
#include "monitor/peer.h"

static_assert(OUTFILE_PROBLEM_BYTES >= CLAIMS_PROBLEM_BYTES, "problems of claims fit");

/* claimant NULL: no peer's any more, and the file may be one of another peer. */
static int judge(void *owner, void *claimant, const char *path, struct file_identity *judged,
                 char problem[static OUTFILE_PROBLEM_BYTES])
{
	struct output_guard *guard = owner;
	struct peer *peer = claimant;
	const struct claims_file wanted = {
		.setting = guard->setting,
		.path = path,
		.use = CLAIMS_OUTPUT,
	};

	return claims_check_output(&guard->claims, guard->own, peer == NULL ? NULL : *peer_claims(peer),
	                           &wanted, peer == NULL, judged, problem);
}

static void written(void *owner, void *claimant)
{
	struct output_guard *guard = owner;
	struct peer *peer = claimant;

	if (peer != NULL)
		claims_written(&guard->claims, *peer_claims(peer));
}

/* The peer whose outfile that is, as it is now; NULL: none. */
static const struct peer *find_writer(struct output_guard *guard, const char *path)
{
	struct file_identity identity;
	const struct claim *claim = NULL;

	if (file_identify(&identity, path) != -ENOMEM)
		claim = claims_find_output(&guard->claims, &identity);
	file_identity_release(&identity);
	return claim == NULL ? NULL : claims_subject(claim);
}

static bool is_in_use(void *owner, const char *path)
{
	const struct peer *peer = find_writer(owner, path);
	const struct sink *sink;

	if (peer == NULL || peer_delivery(peer) == NULL)
		return false;
	sink = delivery_find(peer_delivery(peer), &sink_file);
	return sink != NULL && sink->state == SINK_DELIVERED;
}

struct outfile_guard output_guard_of(struct output_guard *guard)
{
	return (struct outfile_guard){ judge, written, is_in_use, guard };
}
