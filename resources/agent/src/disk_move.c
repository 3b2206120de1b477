#include "disk_move.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "block_map.h"
#include "block_reader.h"
#include "disk.h"
#include "disk_explore.h"
#include "disk_peer.h"
#include "guest_sync.h"
#include "hash.h"
#include "io.h"
#include "json.h"
#include "write_tracking.h"

#define SYNC_MS 60000u
#define COMMIT_MS 60000u
#define COMMIT_TICK_US 200000u
/* Nothing at all was written for this long: whatever was begun has ended. */
#define QUIET_NS 1000000000u
#define REPORT_US 100000u
/* Every so many reports a sign of life, for nothing else may flow for long. */
#define REPORTS_A_PING 5u
/* A commit that was under way when the sync ended, and the one that the sync began. */
#define COMMITS_AFTER_SYNC 2
/* Most of what was being written when the guest was suspended has reached the disk by then. */
#define DRAIN_US 500000u

enum phase { PHASE_PREPARE, PHASE_COPY, PHASE_COMPARE, PHASE_LAST, PHASE_VERIFY };
static const char *const phase_names[] = {"prepare", "copy", "compare", "final", "verify"};

struct disk_move {
	struct disk_move_settings settings;
	struct disk *disk;         /* for exploring */
	struct block_reader reader; /* for copying */
	uint64_t bytes, blocks;
	struct block_set pending;  /* to be sent */
	struct block_set left_out;
	struct block_set sent;
	struct write_tracking *tracking; /* NULL: nobody writes */
	unsigned losses;           /* of the trace, that were told */
	struct link *link;
	struct disk_peer *peer;
	struct disk_wire *wire;
	uint8_t *chunk;            /* DISK_WIRE_BLOCKS blocks, aligned */
	uint64_t numbers[DISK_WIRE_BLOCKS];
	size_t gathered;
	unsigned passes;
	bool kept;                 /* the target was told to keep it */

	pthread_t reporter;
	bool reports;
	atomic_bool stop;
	atomic_int phase;
	atomic_ullong done, planned; /* blocks of this pass */
};

/* --- Progress --- */

static void write_counts(struct json *json, const struct disk_wire_counts *counts)
{
	json_u64(json, "blocks", counts->blocks);
	json_u64(json, "constant", counts->constant);
	json_u64(json, "encoded", counts->encoded);
	json_u64(json, "raw", counts->raw);
	json_u64(json, "delta", counts->delta);
	json_u64(json, "reference", counts->reference);
	json_u64(json, "linkBytes", counts->sent_bytes);
}

static void report_progress(struct disk_move *move)
{
	struct disk_wire_counts counts = disk_wire_counts(move->wire);
	struct json json;
	json_start(&json, "disk");
	json_u64(&json, "ns", clock_ns());
	json_string(&json, "phase", phase_names[atomic_load(&move->phase)]);
	json_u64(&json, "pass", move->passes);
	json_u64(&json, "done", atomic_load(&move->done));
	json_u64(&json, "planned", atomic_load(&move->planned));
	json_u64(&json, "pending", block_set_count(&move->pending));
	write_counts(&json, &counts);
	json_write(&json, move->settings.lines);
}

static void *report_on(void *context)
{
	struct disk_move *move = context;
	const uint64_t no_number = 0;
	for (unsigned count = 0; !atomic_load(&move->stop); count++) {
		report_progress(move);
		if (count % REPORTS_A_PING == 0)
			link_try_send(move->link, LINK_PING, &no_number, sizeof(no_number));
		if (atomic_load(move->settings.cancel) && !move->kept)
			link_break(move->link); /* wakes whoever waits for it */
		usleep(REPORT_US);
	}
	return NULL;
}

static bool is_cancelled(const struct disk_move *move, struct error *err)
{
	if (!atomic_load(move->settings.cancel))
		return false;
	error_set(err, ERR_CANCELLED, "", "cancelled");
	return true;
}

/* --- Setting up --- */

static bool open_source(struct disk_move *move, struct error *err)
{
	move->disk = disk_open(move->settings.path, err);
	if (!move->disk)
		return false;
	move->bytes = disk_bytes(move->disk);
	move->blocks = (move->bytes + DISK_BLOCK_BYTES - 1) / DISK_BLOCK_BYTES;
	move->chunk = block_reader_room(DISK_WIRE_BLOCKS);
	if (!block_reader_open(&move->reader, move->settings.path, move->bytes, err))
		return false;
	return (move->chunk && block_set_init(&move->pending, move->blocks) && block_set_init(&move->left_out, move->blocks)
		&& block_set_init(&move->sent, move->blocks))
		|| error_set(err, ERR_SYSTEM, "", "not enough memory here for a disk of %llu bytes", (unsigned long long)move->bytes);
}

static bool connect_target(struct disk_move *move, struct error *err)
{
	const struct disk_move_settings *settings = &move->settings;
	const struct link_hello hello = {.flags = LINK_FLAG_DISK | (settings->verify ? LINK_FLAG_VERIFY : 0),
		.cache_pages = settings->encoding.raw ? 0 : settings->encoding.cache_pages};
	move->link = link_connect(settings->link, settings->to, settings->key, &hello, err);
	if (!move->link)
		return false;
	link_set_silence(move->link, settings->stall_s);
	if (settings->rate)
		link_share_rate(move->link, settings->rate);
	else
		link_set_rate(move->link, settings->encoding.rate_mbit);
	move->wire = disk_wire_new(move->link, &settings->encoding);
	move->peer = disk_peer_new(move->link);
	if (!move->wire || !move->peer)
		return error_set(err, ERR_SYSTEM, "Choose a smaller cache.", "out of memory");
	move->reports = pthread_create(&move->reporter, NULL, report_on, move) == 0;
	return true;
}

static bool start_tracking(struct disk_move *move, struct error *err)
{
	if (move->settings.live)
		move->tracking = write_tracking_start(move->settings.path, &move->reader, &move->pending, err);
	return move->tracking || !move->settings.live;
}

struct disk_move *disk_move_new(const struct disk_move_settings *settings, struct error *err)
{
	struct disk_move *move = calloc(1, sizeof(*move));
	if (!move) {
		error_set(err, ERR_SYSTEM, "", "out of memory");
		return NULL;
	}
	move->settings = *settings;
	move->reader.fd = -1;
	if (open_source(move, err) && start_tracking(move, err) && connect_target(move, err))
		return move;
	disk_move_free(move);
	return NULL;
}

void disk_move_free(struct disk_move *move)
{
	if (!move)
		return;
	atomic_store(&move->stop, true);
	if (move->reports)
		pthread_join(move->reporter, NULL);
	if (move->link)
		link_shut_sending(move->link);
	disk_wire_free(move->wire);
	disk_peer_free(move->peer);
	if (move->link)
		link_close(move->link);
	write_tracking_stop(move->tracking);
	disk_close(move->disk);
	block_reader_close(&move->reader);
	free(move->chunk);
	block_set_release(&move->pending);
	block_set_release(&move->left_out);
	block_set_release(&move->sent);
	free(move);
}

/* --- What may be left out --- */

/* Where the journals of a disk's volumes were when they were first seen, in the order of the volumes. */
struct journal_marks {
	size_t volumes;
	bool noted[VOLUMES_MAX];
	uint32_t next[VOLUMES_MAX];
};

/* Every journal that this look applied has committed often enough since it was noted; one that is seen for the first time is noted
 * now. A volume whose journal could not be applied has no free block in this look (disk_explore.h), so it has no say. */
static bool commits_have_ended(const struct disk_exploration *exploration, struct journal_marks *marks)
{
	bool ended = true;
	if (exploration->count != marks->volumes)
		*marks = (struct journal_marks){.volumes = exploration->count};
	for (size_t i = 0; i < exploration->count; i++) {
		const struct volume *volume = &exploration->volumes[i];
		if (!volume->has_journal)
			continue;
		if (!marks->noted[i]) {
			marks->noted[i] = true;
			marks->next[i] = volume->next_transaction;
		}
		ended = ended && (int32_t)(volume->next_transaction - marks->next[i]) >= COMMITS_AFTER_SYNC;
	}
	return ended;
}

/* Looks at the disk until commits that were begun by the end of the sync must have ended before the look: nothing had been written
 * for a while, or every journal in it has moved on. The guest is asked to sync anew meanwhile, so that there are commits. The look
 * that shows it is the one to go by; NULL with the reason if it does not come. */
static struct disk_exploration *explore_settled(struct disk_move *move, struct guest_sync *sync, struct error *why)
{
	struct journal_marks marks = {0};
	uint64_t until = clock_ns() + COMMIT_MS * UINT64_C(1000000), quiet_since = clock_ns();
	uint64_t writes = write_tracking_writes(move->tracking);
	do {
		usleep(COMMIT_TICK_US);
		uint64_t now = clock_ns(), now_writes = write_tracking_writes(move->tracking);
		quiet_since = now_writes != writes ? now : quiet_since;
		writes = now_writes;
		struct disk_exploration *exploration = disk_explore(move->disk, why);
		if (!exploration || commits_have_ended(exploration, &marks) || now - quiet_since > QUIET_NS)
			return exploration;
		disk_exploration_free(exploration);
	} while (clock_ns() < until && guest_sync_run(sync, SYNC_MS, move->settings.cancel, why));
	error_set(why, ERR_NOT_UNDERSTOOD, "", "the guest's journals did not come to rest in time");
	return NULL;
}

/* A running guest's disk shows what is free only after a sync (disk_explore.h, rule 1). */
static struct disk_exploration *explore_synced(struct disk_move *move, struct error *why)
{
	struct guest_sync *sync = guest_sync_open(move->settings.domid, why);
	struct disk_exploration *exploration = sync && guest_sync_run(sync, SYNC_MS, move->settings.cancel, why)
		? explore_settled(move, sync, why) : NULL;
	guest_sync_close(sync);
	return exploration;
}

/* What was swapped out means nothing once the guest is shut down. */
static bool may_stay(const struct disk_move *move, enum disk_class class)
{
	return class == DISK_FREE || (class == DISK_SWAP && !move->settings.live);
}

static void leave_out(struct disk_move *move, const struct block_map *map)
{
	uint64_t end;
	for (uint64_t block = 0; block < move->blocks; block = end) {
		end = block_map_run_end(map, block);
		if (!may_stay(move, block_map_get(map, block)))
			continue;
		for (uint64_t free = block; free < end; free++)
			if (!move->tracking || !write_tracking_may_be_written(move->tracking, free))
				block_set_add(&move->left_out, free, 1);
	}
}

/* All that is not left out; what the guest writes from now on is added by the tracking. */
static void add_the_rest(struct disk_move *move)
{
	for (uint64_t block = 0; block < move->blocks; block++)
		if (!block_set_has(&move->left_out, block))
			block_set_add(&move->pending, block, 1);
}

static const char *not_traced(const struct disk_move *move)
{
	return move->tracking ? write_tracking_not_traced(move->tracking) : NULL;
}

static bool explore_and_leave_out(struct disk_move *move, struct error *why)
{
	if (not_traced(move)) /* rule 3, and write_tracking.h on what hashes do not show */
		return error_set(why, ERR_NOT_SUPPORTED, "", "writes to it are not traced, so a free block may have been written");
	struct disk_exploration *exploration = move->settings.live ? explore_synced(move, why) : disk_explore(move->disk, why);
	if (!exploration)
		return false;
	leave_out(move, exploration->map);
	disk_exploration_free(exploration);
	return true;
}

static void write_tracked(struct json *json, const struct disk_move *move)
{
	json_string(json, "tracked", !move->tracking ? NULL : not_traced(move) ? "hash" : "trace");
	json_string(json, "notTraced", not_traced(move));
}

static void report_start(struct disk_move *move, const char *not_explored, uint64_t took_ns)
{
	struct json json;
	json_start(&json, "diskStart");
	json_u64(&json, "ns", clock_ns());
	json_u64(&json, "bytes", move->bytes);
	json_u64(&json, "blocks", move->blocks);
	json_u64(&json, "leftOut", block_set_count(&move->left_out));
	write_tracked(&json, move);
	json_string(&json, "notExplored", not_explored);
	json_ms(&json, "ms", took_ns);
	json_write(&json, move->settings.lines);
}

bool disk_move_prepare(struct disk_move *move, struct error *err)
{
	struct error why = {0};
	uint64_t began = clock_ns();
	bool explored = move->settings.explore && explore_and_leave_out(move, &why);
	if (is_cancelled(move, err))
		return false;
	add_the_rest(move);
	report_start(move, explored ? NULL : move->settings.explore ? why.message : "it was not asked for", clock_ns() - began);
	atomic_store(&move->phase, PHASE_COPY);
	return true;
}

/* --- Copying --- */

/* The kernel lost events: says how it goes on. */
static void report_losses(struct disk_move *move)
{
	unsigned losses = write_tracking_losses(move->tracking);
	struct json json;
	if (losses == move->losses)
		return;
	move->losses = losses;
	json_start(&json, "diskTracking");
	json_u64(&json, "ns", clock_ns());
	write_tracked(&json, move);
	json_u64(&json, "losses", losses);
	json_write(&json, move->settings.lines);
}

static bool goes_on_to_the_end(void *context, uint64_t done)
{
	struct disk_move *move = context;
	atomic_store(&move->done, done);
	return !atomic_load(move->settings.cancel);
}

/* The comparison that counts follows when the guest is suspended: none is in its way then. */
static bool goes_on_beside_guest(void *context, uint64_t done)
{
	const struct disk_move *move = context;
	return goes_on_to_the_end(context, done) && !(move->settings.suspended_ns && atomic_load(move->settings.suspended_ns));
}

/* Makes pending what the guest has written up to now. */
static bool look_for_writes(struct disk_move *move, comparison_goes_on *goes_on, struct error *err)
{
	if (!move->tracking || write_tracking_settle(move->tracking))
		return true;
	int phase = atomic_exchange(&move->phase, PHASE_COMPARE);
	report_losses(move);
	atomic_store(&move->done, 0);
	atomic_store(&move->planned, move->blocks);
	bool ok = write_tracking_compare(move->tracking, goes_on, move, err);
	atomic_store(&move->phase, phase);
	return ok && !is_cancelled(move, err);
}

/* That a link is shut says less than why its other end has gone. */
static bool link_failed(struct disk_move *move, const struct error *why, struct error *err)
{
	disk_peer_explain(move->peer, err);
	return error_set(err, why->code, why->action, "%s", why->message);
}

static bool send_gathered(struct disk_move *move, struct error *err)
{
	struct error why = {0};
	if (!move->gathered)
		return true;
	if (move->tracking)
		write_tracking_note_sent(move->tracking, move->numbers, move->gathered, move->chunk);
	bool ok = disk_wire_put(move->wire, move->numbers, move->gathered, move->chunk, move->passes > 1, &why)
		|| link_failed(move, &why, err);
	atomic_fetch_add(&move->done, move->gathered);
	move->gathered = 0;
	return ok;
}

/* Takes a run of pending blocks that begins at `first`, and only then reads them: a later write makes them pending again. */
static bool gather_run(struct disk_move *move, uint64_t first, size_t *count, struct error *err)
{
	size_t room = DISK_WIRE_BLOCKS - move->gathered;
	for (*count = 0; *count < room && block_set_take(&move->pending, first + *count); ++*count)
		move->numbers[move->gathered + *count] = first + *count;
	block_set_add(&move->sent, first, *count);
	for (size_t i = 0; i < *count; i++)
		block_set_take(&move->left_out, first + i);
	if (!block_reader_read(&move->reader, first, *count, move->chunk + move->gathered * DISK_BLOCK_BYTES, err))
		return false;
	move->gathered += *count;
	return move->gathered < DISK_WIRE_BLOCKS || send_gathered(move, err);
}

static void report_pass(struct disk_move *move, const struct disk_pass *pass, uint64_t link_bytes)
{
	struct json json;
	json_start(&json, "diskPass");
	json_u64(&json, "pass", move->passes);
	json_u64(&json, "blocks", pass->blocks);
	json_u64(&json, "linkBytes", link_bytes);
	json_ms(&json, "ms", pass->sent_ns);
	json_write(&json, move->settings.lines);
}

static bool send_pending(struct disk_move *move, struct disk_pass *pass, struct error *err)
{
	size_t count;
	struct error why = {0};
	uint64_t began = clock_ns(), bytes = disk_wire_counts(move->wire).sent_bytes, planned = block_set_count(&move->pending);
	if (!planned)
		return true;
	move->passes++;
	atomic_store(&move->done, 0);
	atomic_store(&move->planned, planned);
	for (uint64_t block = 0; (block = block_set_next(&move->pending, block)) < move->blocks; block += count, pass->blocks += count)
		if (is_cancelled(move, err) || !gather_run(move, block, &count, err))
			return false;
	if (!send_gathered(move, err) || (!disk_wire_drain(move->wire, &why) && !link_failed(move, &why, err)))
		return false;
	pass->sent_ns = clock_ns() - began;
	report_pass(move, pass, disk_wire_counts(move->wire).sent_bytes - bytes);
	return true;
}

bool disk_move_pass(struct disk_move *move, struct disk_pass *pass, struct error *err)
{
	uint64_t began = clock_ns();
	*pass = (struct disk_pass){0};
	if (!look_for_writes(move, goes_on_beside_guest, err))
		return false;
	pass->looked_ns = clock_ns() - began;
	return send_pending(move, pass, err);
}

/* --- The end --- */

/* The final look at what was left out: the guest writes no more, and its journal tells what it has committed. */
static bool sweep(struct disk_move *move, uint64_t *taken_in, struct error *err)
{
	*taken_in = 0;
	if (!move->tracking || block_set_next(&move->left_out, 0) == move->blocks)
		return true;
	struct disk_exploration *exploration = disk_explore(move->disk, err);
	if (!exploration)
		return false;
	for (uint64_t block = 0; (block = block_set_next(&move->left_out, block)) < move->blocks; block++)
		if (block_map_get(exploration->map, block) != DISK_FREE) {
			block_set_add(&move->pending, block, 1);
			++*taken_in;
		}
	disk_exploration_free(exploration);
	return true;
}

/* Not for the copy's sake (write_tracking.h says why it needs no such wait), but for verification: what reaches the disk after it was
 * compared cannot be told from a fault without a trace. */
static void let_writes_drain(const struct disk_move *move)
{
	if (not_traced(move))
		usleep(DRAIN_US);
}

bool disk_move_finish(struct disk_move *move, struct error *err)
{
	uint64_t began = clock_ns(), taken_in;
	struct disk_pass pass = {0};
	atomic_store(&move->phase, PHASE_LAST);
	let_writes_drain(move);
	if (!look_for_writes(move, goes_on_to_the_end, err) || !sweep(move, &taken_in, err) || !send_pending(move, &pass, err)
		|| !disk_peer_sync(move->peer, err))
		return false;
	move->kept = true;
	if (!disk_peer_confirm(move->peer, LINK_IMAGE_END, err))
		return false;
	struct json json;
	json_start(&json, "diskFinal");
	json_u64(&json, "ns", clock_ns());
	json_u64(&json, "blocks", pass.blocks);
	json_u64(&json, "takenIn", taken_in);
	json_u64(&json, "leftOut", block_set_count(&move->left_out));
	json_ms(&json, "ms", clock_ns() - began);
	json_write(&json, move->settings.lines);
	return true;
}

void disk_move_drop(struct disk_move *move)
{
	struct error ignored = {0};
	disk_peer_confirm(move->peer, LINK_DISK_DROP, &ignored);
}

struct comparison {
	uint64_t compared, differing, in_flight;
};

/* What was still being written when the guest was suspended is repeated by the guest at the target (blkfront sends again what
 * was not acknowledged), so it is no difference that matters. */
static void compare_block(struct disk_move *move, uint64_t block, const uint8_t *contents, uint64_t hash, struct comparison *sums)
{
	if (!block_set_has(&move->sent, block))
		return;
	if (block_set_has(&move->pending, block)) {
		sums->in_flight++;
		return;
	}
	sums->compared++;
	sums->differing += page_hash(contents) != hash;
}

static bool compare_range(struct disk_move *move, uint64_t first, size_t count, struct comparison *sums, struct error *err)
{
	uint64_t hashes[DISK_WIRE_BLOCKS];
	if (!block_reader_read(&move->reader, first, count, move->chunk, err) || !disk_peer_hashes(move->peer, first, count, hashes, err))
		return false;
	if (move->tracking)
		write_tracking_settle(move->tracking);
	for (size_t i = 0; i < count; i++)
		compare_block(move, first + i, move->chunk + i * DISK_BLOCK_BYTES, hashes[i], sums);
	return true;
}

bool disk_move_verify(struct disk_move *move, struct error *err)
{
	struct comparison sums = {0};
	size_t count;
	atomic_store(&move->phase, PHASE_VERIFY);
	for (uint64_t block = 0; (block = block_set_next(&move->sent, block)) < move->blocks; block += count) {
		count = move->blocks - block < DISK_WIRE_BLOCKS ? (size_t)(move->blocks - block) : DISK_WIRE_BLOCKS;
		if (is_cancelled(move, err) || !compare_range(move, block, count, &sums, err))
			return false;
	}
	struct json json;
	json_start(&json, "diskVerify");
	json_u64(&json, "compared", sums.compared);
	json_u64(&json, "differing", sums.differing);
	json_u64(&json, "inFlight", sums.in_flight);
	json_u64(&json, "leftOut", block_set_count(&move->left_out));
	json_write(&json, move->settings.lines);
	return true;
}

void disk_move_report(struct disk_move *move)
{
	struct disk_wire_counts counts = disk_wire_counts(move->wire);
	struct json json;
	json_start(&json, "diskDone");
	json_bool(&json, "kept", move->kept);
	json_u64(&json, "bytes", move->bytes);
	json_u64(&json, "leftOut", block_set_count(&move->left_out));
	json_u64(&json, "passes", move->passes);
	write_counts(&json, &counts);
	json_ms(&json, "cpuMs", counts.cpu_ns);
	json_write(&json, move->settings.lines);
}
