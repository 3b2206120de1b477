/* sender_back.c - the back channel of `send`, and the watch that runs beside it. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handshake.h"
#include "io.h"
#include "json.h"
#include "sender.h"

/* How exactly the suspension is dated, once it may come; before that each look would only cost the guest's CPU. */
#define TICK_US 4000u
#define EARLY_TICK_US 20000u
#define PROGRESS_NS 80000000u
#define PING_NS 500000000u
#define AFTER_GO_AHEAD_FACTOR 4u

static const char *const phase_names[] = {"precopy", "final", "handshake", "verify"};

static void report_instant(struct sender *sender, const char *kind, uint64_t ns)
{
	struct json json;
	json_start(&json, kind);
	json_u64(&json, "ns", ns);
	json_write(&json, sender->lines);
}

/* Nothing reaches xl any more once the migration is aborting: give_guest_back() has the last word then. */
static bool pass_to_xl(struct sender *sender, const uint8_t *bytes, size_t length)
{
	pthread_mutex_lock(&sender->turn);
	bool ok = !sender->aborting && io_write_all(STDOUT_FILENO, bytes, length);
	pthread_mutex_unlock(&sender->turn);
	return ok;
}

static void pass_ready(struct sender *sender)
{
	if (pass_to_xl(sender, (const uint8_t *)HANDSHAKE_READY, HANDSHAKE_READY_BYTES))
		atomic_store(&sender->ready_passed, true);
}

static void take_report(struct sender *sender, uint8_t status)
{
	struct error err = {0};
	struct job *job = sender->job;
	if (!job->unpaused_ns) {
		atomic_store(&job->unpaused_ns, clock_ns());
		atomic_store(&job->report_status, status);
		struct json json;
		json_start(&json, "unpaused");
		json_u64(&json, "ns", atomic_load(&job->unpaused_ns));
		json_u64(&json, "status", status);
		json_write(&json, sender->lines);
	}
	/* The guest runs at the target; xl here still keeps the suspended original until it hears of it. */
	if (job->verify && status == 0 && sender->guest) {
		atomic_store(&sender->phase, PHASE_VERIFY);
		sender_verify(sender, &err);
		if (err.code)
			json_write_error(&err, sender->lines);
	}
	static const uint8_t report[] = HANDSHAKE_REPORT;
	sender->reported = pass_to_xl(sender, report, sizeof(report)) && pass_to_xl(sender, &status, 1);
}

static bool take_back_bytes(struct sender *sender, struct handshake *handshake, const uint8_t *bytes, size_t length,
	struct error *err)
{
	while (length) {
		enum handshake_event event;
		size_t taken = handshake_take(handshake, bytes, length, &event);
		switch (event) {
		case HANDSHAKE_WRONG:
			return error_set(err, ERR_TARGET_FAILED, "See the target's own lines.",
				"xl at the target said something unexpected");
		case HANDSHAKE_BANNERED:
			pass_to_xl(sender, (const uint8_t *)HANDSHAKE_BANNER, HANDSHAKE_BANNER_BYTES);
			break;
		case HANDSHAKE_IS_READY:
			atomic_store(&sender->ready_ns, clock_ns()); /* the watch passes it on, at once or after the hold */
			report_instant(sender, "ready", atomic_load(&sender->ready_ns));
			break;
		case HANDSHAKE_REPORTED:
			take_report(sender, handshake->status);
			break;
		case HANDSHAKE_TAIL:
			pass_to_xl(sender, bytes, taken);
			break;
		case HANDSHAKE_MORE:
			break;
		}
		bytes += taken;
		length -= taken;
	}
	return true;
}

static bool take_frame(struct sender *sender, struct handshake *handshake, enum link_type type, const uint8_t *bytes,
	size_t length, struct error *err)
{
	uint32_t xl_status;
	switch (type) {
	case LINK_BACK:
		return take_back_bytes(sender, handshake, bytes, length, err);
	case LINK_IMAGE_TAKEN:
		atomic_store(&sender->job->image_taken_ns, clock_ns());
		report_instant(sender, "imageReceived", atomic_load(&sender->job->image_taken_ns));
		return true;
	case LINK_PONG:
		if (length == sizeof(uint64_t)) {
			uint64_t number;
			memcpy(&number, bytes, sizeof(number));
			atomic_store(&sender->pong, number);
		}
		return true;
	case LINK_PING:
		return true; /* a sign of life, which was noted */
	case LINK_XL_ENDED:
		memcpy(&xl_status, bytes, length == sizeof(xl_status) ? sizeof(xl_status) : 0);
		return sender->reported || error_set(err, ERR_TARGET_FAILED, "See the target's own lines.",
			"xl at the target ended before the guest was handed over");
	default:
		return error_set(err, ERR_LINK, "", "the target sent a frame of unknown type %d", (int)type);
	}
}

void *sender_back(void *context)
{
	struct sender *sender = context;
	struct handshake handshake = {0};
	struct error err = {0};
	uint8_t *bytes = malloc(LINK_FRAME_MAX);
	enum link_type type;
	size_t length;
	int got = -1;
	while (bytes && (got = link_receive(sender->link, &type, bytes, &length, &err)) == 1) {
		atomic_store(&sender->heard_ns, clock_ns());
		if (!take_frame(sender, &handshake, type, bytes, length, &err))
			break;
	}
	if (got == 0 && !sender->reported)
		error_set(&err, ERR_TARGET_FAILED, "See the target's own lines.", "the target closed the link");
	if (err.code)
		sender_abort(sender, &err);
	free(bytes);
	/* After the go-ahead sender_abort() does nothing: xl must then see our end, or it would wait for a report for ever. */
	if (!sender->reported && sender->go_ahead_given) {
		sender->job->error = err;
		close(STDOUT_FILENO);
	}
	return NULL;
}

static void report_progress(struct sender *sender, uint64_t now)
{
	struct job *job = sender->job;
	atomic_store(&job->link_bytes, link_sent_bytes(sender->link));
	struct json json;
	json_start(&json, "progress");
	json_u64(&json, "ns", now);
	json_string(&json, "phase", phase_names[atomic_load(&sender->phase)]);
	json_u64(&json, "round", atomic_load(&sender->round));
	json_u64(&json, "streamBytes", atomic_load(&job->stream_bytes));
	json_u64(&json, "linkBytes", atomic_load(&job->link_bytes));
	json_u64(&json, "leftOut", atomic_load(&sender->left_out_pages));
	json_u64(&json, "constant", atomic_load(&sender->constant));
	json_u64(&json, "encoded", atomic_load(&sender->encoded));
	json_u64(&json, "raw", atomic_load(&sender->raw));
	json_u64(&json, "delta", atomic_load(&sender->delta));
	json_u64(&json, "reference", atomic_load(&sender->reference));
	json_u64(&json, "pages", atomic_load(&sender->pages));
	json_u64(&json, "lastRoundPages", atomic_load(&sender->last_round_pages));
	json_write(&json, sender->lines);
}

static void look_for_suspension(struct sender *sender)
{
	struct xen_domain domain;
	if (atomic_load(&sender->job->suspended_ns)
		|| !xen_domain_info(sender->xen, sender->job->domid, &domain, NULL) || domain.state != XEN_SUSPENDED)
		return;
	atomic_store(&sender->job->suspended_ns, clock_ns());
	int precopy = PHASE_PRECOPY;
	atomic_compare_exchange_strong(&sender->phase, &precopy, PHASE_FINAL);
	report_instant(sender, "suspended", atomic_load(&sender->job->suspended_ns));
}

static void look_for_cancel(struct sender *sender)
{
	struct pollfd supervisor = {.fd = sender->lines, .events = POLLRDHUP};
	bool gone = poll(&supervisor, 1, 0) > 0 && (supervisor.revents & (POLLRDHUP | POLLHUP | POLLERR));
	if (!gone && !atomic_load(&sender->job->cancel))
		return;
	struct error err = {0};
	error_set(&err, ERR_CANCELLED, "", gone ? "the console's connection ended" : "cancelled");
	sender_abort(sender, &err);
}

static void look_for_stall(struct sender *sender, uint64_t now)
{
	uint64_t silent = now - atomic_load(&sender->heard_ns), limit = sender->job->stall_s * 1000000000u;
	if (now < atomic_load(&sender->heard_ns) || silent < limit)
		return;
	struct error err = {0};
	error_set(&err, ERR_LINK_STALLED, "The guest goes on at the source. Look at the target host and the network between.",
		"no sign of life from the target for %llu s", (unsigned long long)sender->job->stall_s);
	sender_abort(sender, &err);
	if (silent > AFTER_GO_AHEAD_FACTOR * limit)
		link_break(sender->link); /* past the go-ahead: wait longer, then tell that nobody knows */
}

static void look_for_disk(struct sender *sender)
{
	if (atomic_load(&sender->job->disk_failed))
		sender_abort(sender, &sender->job->disk_error);
}

/* The target could start the guest: may it be told so? Not while the guest's disk is on its way. */
static bool may_pass_ready(struct sender *sender, uint64_t now)
{
	struct job *job = sender->job;
	uint64_t ready = atomic_load(&sender->ready_ns);
	return ready && !atomic_load(&sender->ready_passed) && now >= ready + job->hold_s * 1000000000u
		&& (!job->has_disk || atomic_load(&job->disk_done_ns));
}

void *sender_watch(void *context)
{
	struct sender *sender = context;
	uint64_t progress_due = 0, ping_due = 0;
	const uint64_t no_number = 0;
	while (!atomic_load(&sender->stop)) {
		uint64_t now = clock_ns();
		look_for_suspension(sender);
		look_for_cancel(sender);
		look_for_stall(sender, now);
		look_for_disk(sender);
		if (may_pass_ready(sender, now))
			pass_ready(sender);
		if (now >= ping_due) {
			link_try_send(sender->link, LINK_PING, &no_number, sizeof(no_number));
			ping_due = now + PING_NS;
		}
		if (now >= progress_due) {
			report_progress(sender, now);
			progress_due = now + PROGRESS_NS;
		}
		usleep(atomic_load(&sender->may_suspend) ? TICK_US : EARLY_TICK_US);
	}
	report_progress(sender, clock_ns());
	return NULL;
}
