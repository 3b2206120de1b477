#include "disk_peer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct disk_peer {
	struct link *link;
	pthread_t listener;
	pthread_mutex_t turn;
	pthread_cond_t news;
	uint64_t asked, synced;     /* numbers of LINK_DISK_SYNC */
	uint64_t confirmed;         /* LINK_IMAGE_TAKEN so far */
	uint64_t first_hash;        /* of the last LINK_HASHES … */
	size_t hash_count;          /* 0: none has come since it was asked for */
	uint64_t hashes[DISK_PEER_HASHES];
	bool ended;
	struct error why;
};

static void take_hashes(struct disk_peer *peer, const uint8_t *bytes, size_t length)
{
	size_t count = length / sizeof(uint64_t);
	if (count < 2 || length % sizeof(uint64_t) || count - 1 > DISK_PEER_HASHES)
		return;
	memcpy(&peer->first_hash, bytes, sizeof(uint64_t));
	peer->hash_count = count - 1;
	memcpy(peer->hashes, bytes + sizeof(uint64_t), length - sizeof(uint64_t));
}

static void take(struct disk_peer *peer, enum link_type type, const uint8_t *bytes, size_t length)
{
	pthread_mutex_lock(&peer->turn);
	if (type == LINK_DISK_SYNCED && length == sizeof(uint64_t))
		memcpy(&peer->synced, bytes, sizeof(uint64_t));
	else if (type == LINK_IMAGE_TAKEN)
		peer->confirmed++;
	else if (type == LINK_HASHES)
		take_hashes(peer, bytes, length);
	pthread_cond_broadcast(&peer->news);
	pthread_mutex_unlock(&peer->turn);
}

static void *listen_on(void *context)
{
	struct disk_peer *peer = context;
	struct error err = {0};
	uint8_t *bytes = malloc(LINK_FRAME_MAX);
	enum link_type type;
	size_t length;
	int got = -1;
	while (bytes && (got = link_receive(peer->link, &type, bytes, &length, &err)) == 1)
		take(peer, type, bytes, length);
	free(bytes);
	if (got == 0)
		error_set(&err, ERR_TARGET_FAILED, "See the target's own lines.", "the target of the disk closed the link");
	pthread_mutex_lock(&peer->turn);
	peer->ended = true;
	peer->why = err;
	pthread_cond_broadcast(&peer->news);
	pthread_mutex_unlock(&peer->turn);
	link_shut_sending(peer->link); /* wakes whoever is sending */
	return NULL;
}

struct disk_peer *disk_peer_new(struct link *link)
{
	struct disk_peer *peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->link = link;
	pthread_mutex_init(&peer->turn, NULL);
	pthread_cond_init(&peer->news, NULL);
	if (pthread_create(&peer->listener, NULL, listen_on, peer) == 0)
		return peer;
	free(peer);
	return NULL;
}

void disk_peer_free(struct disk_peer *peer)
{
	if (!peer)
		return;
	pthread_join(peer->listener, NULL);
	pthread_cond_destroy(&peer->news);
	pthread_mutex_destroy(&peer->turn);
	free(peer);
}

typedef bool answered(const struct disk_peer *peer, uint64_t what);

/* The link's own silence limit bounds the wait. */
static bool await_answer(struct disk_peer *peer, answered *is_there, uint64_t what, struct error *err)
{
	pthread_mutex_lock(&peer->turn);
	while (!peer->ended && !is_there(peer, what))
		pthread_cond_wait(&peer->news, &peer->turn);
	bool ok = is_there(peer, what);
	if (!ok)
		error_set(err, peer->why.code, peer->why.action, "%s", peer->why.message);
	pthread_mutex_unlock(&peer->turn);
	return ok;
}

static bool is_synced(const struct disk_peer *peer, uint64_t number)
{
	return peer->synced >= number;
}

static bool is_confirmed(const struct disk_peer *peer, uint64_t times)
{
	return peer->confirmed >= times;
}

static bool has_hashes(const struct disk_peer *peer, uint64_t first)
{
	return peer->hash_count && peer->first_hash == first;
}

bool disk_peer_sync(struct disk_peer *peer, struct error *err)
{
	uint64_t number = ++peer->asked;
	return link_send(peer->link, LINK_DISK_SYNC, &number, sizeof(number), err) && await_answer(peer, is_synced, number, err);
}

void disk_peer_explain(struct disk_peer *peer, struct error *err)
{
	pthread_mutex_lock(&peer->turn);
	if (peer->ended && peer->why.code)
		error_set(err, peer->why.code, peer->why.action, "%s", peer->why.message);
	pthread_mutex_unlock(&peer->turn);
}

bool disk_peer_confirm(struct disk_peer *peer, enum link_type what, struct error *err)
{
	pthread_mutex_lock(&peer->turn);
	uint64_t times = peer->confirmed + 1;
	pthread_mutex_unlock(&peer->turn);
	return link_send(peer->link, what, "", 0, err) && await_answer(peer, is_confirmed, times, err);
}

bool disk_peer_hashes(struct disk_peer *peer, uint64_t first, size_t count, uint64_t *hashes, struct error *err)
{
	uint64_t wanted[] = {first, count};
	pthread_mutex_lock(&peer->turn);
	peer->hash_count = 0;
	pthread_mutex_unlock(&peer->turn);
	if (!link_send(peer->link, LINK_HASHES_WANTED, wanted, sizeof(wanted), err) || !await_answer(peer, has_hashes, first, err))
		return false;
	if (peer->hash_count != count)
		return error_set(err, ERR_LINK, "", "the target sent hashes of other blocks than was asked for");
	memcpy(hashes, peer->hashes, count * sizeof(*hashes));
	return true;
}
