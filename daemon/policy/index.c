#include "daemon/policy/index.h"

#include <linux/net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/policy/subject.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define ANY (-1)
#define PROTOCOL_MPTCP 262
#define PROTOCOL_SMC 256
#define RANGE_EXPAND_MAX 64u	    /* a range up to this is spread over the hash */
#define RULE_EXPAND_MAX 4096u	    /* places one rule may take in the hash */
#define INDEX_EXPAND_MAX (4u << 20) /* and all rules together; then ranges stay ranges */
#define INDEX_ENTRIES_MAX (16u << 20)

/* What an entry is found by: everybody, a user, a group. */
enum peer_kind { PEER_ANY, PEER_UID, PEER_GID, PEER_KINDS };

/* While it is built: one rule under one key, sorted into place afterwards. */
struct entry {
	uint32_t bucket;
	uint32_t peer_kind;
	uint32_t first, last;
	uint32_t rule;
};

struct entries {
	struct entry *items;
	size_t n, room;
};

struct slice {
	uint32_t offset, n;
};

struct interval {
	uint32_t first, last;
	uint32_t max_last; /* of the subtree whose middle this is */
	uint32_t rule;
};

struct bucket {
	struct socket_kind kind;
	struct slice everybody;
	struct slice intervals[PEER_KINDS];
	bool hashed[PEER_KINDS];
};

struct cell {
	uint64_t key;
	struct slice rules; /* n 0: an empty cell */
};

/* What the kind of a bucket leaves open, as bits. */
enum kind_form {
	FORM_WHOLE = 1,
	FORM_ANY_PROTOCOL = 2,
	FORM_ANY_TYPE = 4,
	FORM_ANY_BOTH = 8,
	FORM_ANY_TYPE_USUAL = 16, /* protocol 0: the usual one of every type */
};

#define FAMILIES 64u /* a higher number shares the place of a lower one */

struct rule_index {
	bool deny;
	uint8_t forms[FAMILIES]; /* those that a family has buckets of: the others are not sought */
	struct bucket *buckets;
	size_t n_buckets;
	uint32_t *bucket_table; /* bucket number + 1; 0: empty */
	size_t bucket_mask;
	struct cell *cells;
	size_t cell_mask;
	uint32_t *rules;
	struct interval *intervals;
};

/* Keys are the administrator's: nobody else can make them collide. */
static uint64_t mix(uint64_t x)
{
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ (x >> 32);
}

/* --- kinds --- */

/* What the kernel takes where protocol is 0; none for a rule of any type. */
static int usual_protocol(int domain, int type)
{
	return family_effective_protocol(domain, type, 0);
}

static struct socket_kind canonical(struct socket_kind kind)
{
	if (kind.domain == AF_NETLINK && kind.type == SOCK_DGRAM)
		kind.type = SOCK_RAW;
	if (kind.domain == AF_UNIX) {
		if (kind.type == SOCK_RAW)
			kind.type = SOCK_DGRAM;
		if (kind.protocol == PF_UNIX)
			kind.protocol = 0;
	}
	if (kind.domain == AF_VSOCK && kind.protocol == PF_VSOCK)
		kind.protocol = 0;
	if (kind.protocol == 0)
		kind.protocol = usual_protocol(kind.domain, kind.type);
	return kind;
}

struct socket_kind socket_kind_of_query(const struct policy_query *query)
{
	const int domain =
		query->domain == AF_INET && query->type == SOCK_PACKET ? AF_PACKET : query->domain;

	return canonical((struct socket_kind){
		domain, query->type, constant_protocol_of_call(domain, query->protocol)});
}

static bool same_kind(const struct socket_kind *a, const struct socket_kind *b)
{
	return a->domain == b->domain && a->type == b->type && a->protocol == b->protocol;
}

static uint64_t kind_hash(const struct socket_kind *kind)
{
	return mix(((uint64_t)(uint32_t)kind->domain << 40) ^
		   ((uint64_t)(uint32_t)kind->type << 32) ^ (uint32_t)kind->protocol);
}

static const struct bucket *find_bucket(
	const struct rule_index *index, const struct socket_kind *kind)
{
	for (size_t i = kind_hash(kind) & index->bucket_mask;; i = (i + 1) & index->bucket_mask) {
		uint32_t number = index->bucket_table[i];

		if (number == 0)
			return NULL;
		if (same_kind(&index->buckets[number - 1].kind, kind))
			return &index->buckets[number - 1];
	}
}

static void table_insert(struct rule_index *index, uint32_t number)
{
	size_t i = kind_hash(&index->buckets[number].kind) & index->bucket_mask;

	while (index->bucket_table[i] != 0)
		i = (i + 1) & index->bucket_mask;
	index->bucket_table[i] = number + 1;
}

static void note_form(struct rule_index *index, const struct socket_kind *kind)
{
	uint8_t *forms = &index->forms[(unsigned)kind->domain % FAMILIES];

	if (kind->type != ANY)
		*forms |= kind->protocol != ANY ? FORM_WHOLE : FORM_ANY_PROTOCOL;
	else if (kind->protocol == ANY)
		*forms |= FORM_ANY_BOTH;
	else
		*forms |= kind->protocol != 0 ? FORM_ANY_TYPE : FORM_ANY_TYPE | FORM_ANY_TYPE_USUAL;
}

/* The table is kept at most half full, so that a search for what is not there ends soon. */
static int grow_buckets(struct rule_index *index)
{
	size_t room = (index->bucket_mask + 1) * 2;
	_cleanup_free_ uint32_t *table = calloc(room, sizeof(*table));
	struct bucket *larger = reallocarray(index->buckets, room / 2, sizeof(*larger));

	if (larger)
		index->buckets = larger;
	if (!larger || !table)
		return -ENOMEM;
	free(index->bucket_table);
	index->bucket_table = TAKE_PTR(table);
	index->bucket_mask = room - 1;
	for (size_t i = 0; i < index->n_buckets; i++)
		table_insert(index, (uint32_t)i);
	return 0;
}

static int add_bucket(struct rule_index *index, const struct socket_kind *kind, uint32_t *ret)
{
	const struct bucket *found = find_bucket(index, kind);

	if (found) {
		*ret = (uint32_t)(found - index->buckets);
		return 0;
	}
	if ((index->n_buckets + 1) * 2 > index->bucket_mask + 1) {
		int r = grow_buckets(index);
		if (r < 0)
			return r;
	}
	index->buckets[index->n_buckets] = (struct bucket){.kind = *kind};
	table_insert(index, (uint32_t)index->n_buckets);
	note_form(index, kind);
	*ret = (uint32_t)index->n_buckets++;
	return 0;
}

/* --- building --- */

static int add_entry(struct entries *entries, struct entry entry)
{
	if (entries->n == INDEX_ENTRIES_MAX)
		return -E2BIG;
	if (entries->n == entries->room) {
		size_t room = entries->room ? entries->room * 2 : 256;
		struct entry *larger = reallocarray(entries->items, room, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		entries->items = larger;
		entries->room = room;
	}
	entries->items[entries->n++] = entry;
	return 0;
}

static int add_ids(struct entries *points, struct entries *intervals, struct entry entry,
	const struct ranges *ranges, bool expand)
{
	for (size_t i = 0; i < ranges->n; i++) {
		uint32_t first = ranges->items[i].first, last = ranges->items[i].last;
		int r = 0;

		entry.first = first;
		entry.last = last;
		if (first != last && (!expand || last - first >= RANGE_EXPAND_MAX)) {
			r = add_entry(intervals, entry);
		} else {
			for (uint32_t n = last - first + 1; r == 0 && n > 0; n--) {
				r = add_entry(points, entry);
				entry.first++;
			}
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t width_of(const struct ranges *ranges)
{
	uint64_t width = 0;

	for (size_t i = 0; i < ranges->n; i++) {
		uint64_t n = (uint64_t)ranges->items[i].last - ranges->items[i].first + 1;
		width += n <= RANGE_EXPAND_MAX ? n : 1;
	}
	return width;
}

static int add_rule(struct rule_index *index, const struct rule *rule, uint32_t number,
	struct entries *points, struct entries *intervals)
{
	size_t n_types = MAX_OF(rule->n_types, (size_t)1);
	size_t n_protocols = MAX_OF(rule->n_protocols, (size_t)1);
	size_t combinations = rule->n_families * n_types * n_protocols;
	uint64_t width = (width_of(&rule->uids) + width_of(&rule->gids)) * combinations;
	bool expand = width <= RULE_EXPAND_MAX && points->n < INDEX_EXPAND_MAX;

	for (size_t i = 0; i < combinations; i++) {
		struct socket_kind kind = canonical((struct socket_kind){
			rule->families[i / n_protocols / n_types],
			rule->n_types ? rule->types[i / n_protocols % n_types] : ANY,
			rule->n_protocols ? rule->protocols[i % n_protocols] : ANY,
		});
		struct entry entry = {.peer_kind = PEER_ANY, .rule = number};
		int r = add_bucket(index, &kind, &entry.bucket);

		if (r == 0 && rule->any_peer)
			r = add_entry(points, entry);
		entry.peer_kind = PEER_UID;
		if (r == 0)
			r = add_ids(points, intervals, entry, &rule->uids, expand);
		entry.peer_kind = PEER_GID;
		if (r == 0)
			r = add_ids(points, intervals, entry, &rule->gids, expand);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	if (x->peer_kind != y->peer_kind)
		return x->peer_kind < y->peer_kind ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	return a->bucket == b->bucket && a->peer_kind == b->peer_kind && a->first == b->first;
}

static uint64_t cell_key(uint32_t bucket, enum peer_kind kind, uint32_t id)
{
	return ((uint64_t)bucket << 34) | ((uint64_t)kind << 32) | id;
}

static int build_cells(struct rule_index *index, struct entries *points)
{
	size_t room = 2;

	if (points->n > 0)
		qsort(points->items, points->n, sizeof(*points->items), compare_entries);
	while (room < points->n * 2)
		room *= 2;
	index->cells = calloc(room, sizeof(*index->cells));
	index->rules = reallocarray(NULL, points->n + 1, sizeof(*index->rules));
	if (!index->cells || !index->rules)
		return -ENOMEM;
	index->cell_mask = room - 1;

	uint32_t used = 0;
	for (size_t i = 0; i < points->n;) {
		const struct entry *key = &points->items[i];
		struct bucket *bucket = &index->buckets[key->bucket];
		struct slice slice = {.offset = used};

		for (; i < points->n && same_key(key, &points->items[i]); i++)
			if (used == slice.offset || index->rules[used - 1] != points->items[i].rule)
				index->rules[used++] = points->items[i].rule;
		slice.n = used - slice.offset;
		if (key->peer_kind == PEER_ANY) {
			bucket->everybody = slice;
			continue;
		}
		uint64_t id = cell_key(key->bucket, key->peer_kind, key->first);
		size_t at = mix(id) & index->cell_mask;
		while (index->cells[at].rules.n > 0)
			at = (at + 1) & index->cell_mask;
		index->cells[at] = (struct cell){id, slice};
		bucket->hashed[key->peer_kind] = true;
	}
	return 0;
}

/* An array sorted by first is a balanced tree: each part's middle is the root of the part. */
static uint32_t set_max_last(struct interval *items, size_t n)
{
	if (n == 0)
		return 0;
	size_t middle = n / 2;
	uint32_t left = set_max_last(items, middle);
	uint32_t right = set_max_last(items + middle + 1, n - middle - 1);
	uint32_t most = MAX_OF(left, right);
	items[middle].max_last = MAX_OF(most, items[middle].last);
	return items[middle].max_last;
}

static int build_intervals(struct rule_index *index, struct entries *entries)
{
	if (entries->n > 0)
		qsort(entries->items, entries->n, sizeof(*entries->items), compare_entries);
	index->intervals = reallocarray(NULL, entries->n + 1, sizeof(*index->intervals));
	if (!index->intervals)
		return -ENOMEM;

	for (size_t i = 0; i < entries->n;) {
		const struct entry *key = &entries->items[i];
		struct slice slice = {.offset = (uint32_t)i};

		for (; i < entries->n && entries->items[i].bucket == key->bucket &&
			entries->items[i].peer_kind == key->peer_kind;
			i++)
			index->intervals[i] = (struct interval){
				.first = entries->items[i].first,
				.last = entries->items[i].last,
				.rule = entries->items[i].rule,
			};
		slice.n = (uint32_t)i - slice.offset;
		set_max_last(index->intervals + slice.offset, slice.n);
		index->buckets[key->bucket].intervals[key->peer_kind] = slice;
	}
	return 0;
}

struct rule_index *rule_index_free(struct rule_index *index)
{
	if (!index)
		return NULL;
	free(index->buckets);
	free(index->bucket_table);
	free(index->cells);
	free(index->rules);
	free(index->intervals);
	free(index);
	return NULL;
}

static void cleanup_index(struct rule_index **index)
{
	rule_index_free(*index);
}

static int build(const struct rule *rules, size_t n, bool deny, bool keep, struct rule_index **ret)
{
	_cleanup_(cleanup_index) struct rule_index *index = calloc(1, sizeof(*index));
	struct entries points = {0}, intervals = {0};

	if (!index)
		return -ENOMEM;
	index->deny = deny;
	index->bucket_mask = 1;
	int r = grow_buckets(index);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (rules[i].deny == deny && (rules[i].actions != 0) == keep)
			r = add_rule(index, &rules[i], (uint32_t)i, &points, &intervals);
	if (r == 0)
		r = build_cells(index, &points);
	if (r == 0)
		r = build_intervals(index, &intervals);
	free(points.items);
	free(intervals.items);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(index);
	return 0;
}

int rule_index_new(const struct rule *rules, size_t n, bool deny, struct rule_index **ret)
{
	return build(rules, n, deny, false, ret);
}

int rule_index_new_keep(const struct rule *rules, size_t n, bool deny, struct rule_index **ret)
{
	return build(rules, n, deny, true, ret);
}

/* --- looking up --- */

struct search {
	const struct rule_index *index;
	const struct policy_subject *subject;
	rule_index_visit visit;
	void *data;
};

static void visit_slice(const struct search *search, struct slice slice)
{
	for (uint32_t i = 0; i < slice.n; i++)
		search->visit(search->index->rules[slice.offset + i], search->data);
}

static void visit_intervals(
	const struct search *search, const struct interval *items, size_t n, uint32_t id)
{
	while (n > 0) {
		size_t middle = n / 2;
		const struct interval *root = &items[middle];

		if (root->max_last < id)
			return;
		visit_intervals(search, items, middle, id);
		if (root->first > id)
			return;
		if (root->last >= id)
			search->visit(root->rule, search->data);
		items += middle + 1;
		n -= middle + 1;
	}
}

static void visit_id(const struct search *search, const struct bucket *bucket,
	enum peer_kind peer_kind, uint32_t id)
{
	const struct rule_index *index = search->index;
	struct slice intervals = bucket->intervals[peer_kind];

	if (bucket->hashed[peer_kind]) {
		uint64_t key = cell_key((uint32_t)(bucket - index->buckets), peer_kind, id);
		for (size_t i = mix(key) & index->cell_mask; index->cells[i].rules.n > 0;
			i = (i + 1) & index->cell_mask) {
			if (index->cells[i].key == key) {
				visit_slice(search, index->cells[i].rules);
				break;
			}
		}
	}
	if (intervals.n > 0)
		visit_intervals(search, index->intervals + intervals.offset, intervals.n, id);
}

static void visit_group(const struct search *search, const struct bucket *bucket, gid_t gid)
{
	const struct policy_strangers *strangers = search->subject->strangers;

	if (search->index->deny || !strangers || gid != strangers->gid)
		visit_id(search, bucket, PEER_GID, gid);
}

static void visit_bucket(const struct search *search, int domain, int type, int protocol)
{
	const struct socket_kind kind = {domain, type, protocol};
	const struct bucket *bucket = find_bucket(search->index, &kind);
	const struct policy_subject *subject = search->subject;

	if (!bucket)
		return;
	visit_slice(search, bucket->everybody);
	if (search->index->deny || !subject_is_stranger(subject))
		visit_id(search, bucket, PEER_UID, subject->uid);
	if (!bucket->hashed[PEER_GID] && bucket->intervals[PEER_GID].n == 0)
		return;
	visit_group(search, bucket, subject->gid);
	for (size_t i = 0; i < subject->n_groups; i++)
		visit_group(search, bucket, subject->groups[i]);
}

static void visit_protocol(const struct search *search, int domain, int type, int protocol)
{
	unsigned forms = search->index->forms[(unsigned)domain % FAMILIES];

	if (forms & FORM_WHOLE)
		visit_bucket(search, domain, type, protocol);
	if (forms & FORM_ANY_TYPE)
		visit_bucket(search, domain, ANY, protocol);
	if (forms & FORM_ANY_TYPE_USUAL && protocol != 0 &&
		protocol == usual_protocol(domain, type))
		visit_bucket(search, domain, ANY, 0);
}

/*
 * What gives the same as another kind, or more, is denied with it: a listener of MPTCP or SMC takes
 * TCP connections too, and the obsolete packet sockets are raw ones.
 */
static bool denied_with(const struct socket_kind *kind, struct socket_kind *ret)
{
	*ret = *kind;
	if (kind->domain == AF_PACKET && kind->type == SOCK_PACKET) {
		ret->type = SOCK_RAW;
		return true;
	}
	ret->protocol = IPPROTO_TCP;
	return (kind->domain == AF_INET || kind->domain == AF_INET6) &&
	       (kind->protocol == PROTOCOL_MPTCP || kind->protocol == PROTOCOL_SMC);
}

static void visit_kind(const struct search *search, const struct socket_kind *kind)
{
	unsigned forms = search->index->forms[(unsigned)kind->domain % FAMILIES];

	visit_protocol(search, kind->domain, kind->type, kind->protocol);
	if (forms & FORM_ANY_PROTOCOL)
		visit_bucket(search, kind->domain, kind->type, ANY);
}

void rule_index_each(const struct rule_index *index, const struct policy_subject *subject,
	const struct socket_kind *kind, rule_index_visit visit, void *data)
{
	const struct search search = {index, subject, visit, data};
	struct socket_kind other;

	visit_kind(&search, kind);
	if (index->deny && denied_with(kind, &other))
		visit_kind(&search, &other);
	if (index->forms[(unsigned)kind->domain % FAMILIES] & FORM_ANY_BOTH)
		visit_bucket(&search, kind->domain, ANY, ANY);
}
