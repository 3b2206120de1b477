#include "lvm2.h"

#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "le.h"

#define SECTOR 512u
#define LABEL_SECTORS 4u
#define CRC_START 0xf597a6cfu
#define LABEL_CRC_FROM 20u
#define AREA_HEADER_BYTES 512u
#define AREA_IGNORED 1u
#define AREAS_MAX 4u
#define TEXT_MAX (1u << 20)
#define PHYSICAL_MAX 64u
#define REFERENCES_MAX 256u
#define EXTENT_SECTORS_MAX (1u << 30)

struct physical {
	char name[LVM2_NAME_BYTES];
	char id[LVM2_UUID_CHARS + 1];     /* without its dashes */
	uint64_t start_sector, extents;
};

struct segment {
	size_t volume;
	char section[LVM2_NAME_BYTES], on[LVM2_NAME_BYTES]; /* `on`: the physical volume */
	uint64_t start, extents, place;   /* extents, of the volume and of the physical volume */
	uint64_t stripes;
	bool linear;
};

/* A group as its text tells it. */
struct text {
	char name[LVM2_NAME_BYTES];
	uint64_t sequence, extent_sectors;
	size_t physical_count, volume_count, segment_count, reference_count;
	struct physical physical[PHYSICAL_MAX];
	char volumes[LVM2_VOLUMES_MAX][LVM2_NAME_BYTES];
	struct segment segments[LVM2_SEGMENTS_MAX];
	char references[REFERENCES_MAX][LVM2_NAME_BYTES]; /* names that segments other than linear ones mention */
};

static bool refuse(struct error *err, const char *why)
{
	return error_set(err, ERR_NOT_UNDERSTOOD, "", "lvm2: %s", why);
}

/* --- The text --- */

static void copy_name(char *to, const char *from)
{
	size_t length = strnlen(from, LVM2_NAME_BYTES - 1);
	memmove(to, from, length);
	to[length] = '\0';
}

/* An identifier without its dashes. */
static void copy_id(char *to, const char *from)
{
	size_t length = 0;
	for (; *from && length < LVM2_UUID_CHARS; from++)
		if (*from != '-')
			to[length++] = *from;
	to[length] = '\0';
}

static bool take_group_value(struct text *text, const struct lvm2_value *value)
{
	copy_name(text->name, value->sections[0]);
	if (strcmp(value->key, "seqno") == 0)
		text->sequence = value->number;
	if (strcmp(value->key, "extent_size") == 0)
		text->extent_sectors = value->number;
	return true;
}

static struct physical *physical_named(struct text *text, const char *name)
{
	for (size_t i = 0; i < text->physical_count; i++)
		if (strcmp(text->physical[i].name, name) == 0)
			return &text->physical[i];
	if (text->physical_count == PHYSICAL_MAX)
		return NULL;
	struct physical *physical = &text->physical[text->physical_count++];
	copy_name(physical->name, name);
	return physical;
}

static bool take_physical_value(struct text *text, const struct lvm2_value *value)
{
	struct physical *physical = physical_named(text, value->sections[2]);
	if (!physical)
		return false;
	if (strcmp(value->key, "id") == 0 && value->string)
		copy_id(physical->id, value->string);
	if (strcmp(value->key, "pe_start") == 0)
		physical->start_sector = value->number;
	if (strcmp(value->key, "pe_count") == 0)
		physical->extents = value->number;
	return true;
}

/* SIZE_MAX: too many. */
static size_t volume_named(struct text *text, const char *name)
{
	for (size_t i = 0; i < text->volume_count; i++)
		if (strcmp(text->volumes[i], name) == 0)
			return i;
	if (text->volume_count == LVM2_VOLUMES_MAX)
		return SIZE_MAX;
	copy_name(text->volumes[text->volume_count], name);
	return text->volume_count++;
}

/* A section's values come together, so a segment is new or the last one. */
static struct segment *segment_named(struct text *text, size_t volume, const char *section)
{
	struct segment *last = text->segment_count ? &text->segments[text->segment_count - 1] : NULL;
	if (last && last->volume == volume && strcmp(last->section, section) == 0)
		return last;
	if (text->segment_count == LVM2_SEGMENTS_MAX)
		return NULL;
	struct segment *segment = &text->segments[text->segment_count++];
	*segment = (struct segment){.volume = volume};
	copy_name(segment->section, section);
	return segment;
}

/* Any string of a segment may name another volume. */
static bool take_reference(struct text *text, const char *name)
{
	if (text->reference_count == REFERENCES_MAX)
		return false;
	copy_name(text->references[text->reference_count++], name);
	return true;
}

static bool take_segment_value(struct text *text, const struct lvm2_value *value)
{
	size_t volume = volume_named(text, value->sections[2]);
	struct segment *segment = volume == SIZE_MAX ? NULL : segment_named(text, volume, value->sections[3]);
	if (!segment)
		return false;
	if (strcmp(value->key, "start_extent") == 0)
		segment->start = value->number;
	else if (strcmp(value->key, "extent_count") == 0)
		segment->extents = value->number;
	else if (strcmp(value->key, "stripe_count") == 0)
		segment->stripes = value->number;
	else if (strcmp(value->key, "type") == 0 && value->string)
		segment->linear = strcmp(value->string, "striped") == 0 || strcmp(value->string, "linear") == 0;
	else if (strcmp(value->key, "stripes") == 0 && value->index == 0 && value->string)
		copy_name(segment->on, value->string);
	else if (strcmp(value->key, "stripes") == 0 && value->index == 1)
		segment->place = value->number;
	else if (value->string)
		return take_reference(text, value->string);
	return true;
}

static bool take_value(void *context, const struct lvm2_value *value)
{
	struct text *text = context;
	if (value->depth == 1)
		return take_group_value(text, value);
	if (value->depth == 3 && strcmp(value->sections[1], "physical_volumes") == 0)
		return take_physical_value(text, value);
	if (strcmp(value->depth > 1 ? value->sections[1] : "", "logical_volumes") != 0)
		return true;
	if (value->depth == 3)
		return volume_named(text, value->sections[2]) != SIZE_MAX;
	return value->depth < 4 || take_segment_value(text, value);
}

/* --- Label and metadata areas --- */

static bool read_label(const struct disk_view *view, uint8_t *sector, uint32_t *header_at)
{
	for (unsigned number = 0; number < LABEL_SECTORS; number++) {
		if (!disk_view_read(view, number * (uint64_t)SECTOR, sector, SECTOR) || memcmp(sector, "LABELONE", 8) != 0
			|| memcmp(sector + 24, "LVM2 001", 8) != 0 || le64_load(sector + 8) != number)
			continue;
		*header_at = le32_load(sector + 20);
		return crc32_update(CRC_START, sector + LABEL_CRC_FROM, SECTOR - LABEL_CRC_FROM) == le32_load(sector + 16)
			&& *header_at >= 32 && *header_at <= SECTOR - LVM2_UUID_CHARS - 8;
	}
	return false;
}

/* The metadata areas that the header lists behind the data areas; both lists end with zeros. Returns how many. */
static size_t list_areas(const uint8_t *sector, uint32_t header_at, struct lvm2_range *areas)
{
	size_t count = 0;
	unsigned lists = 0;
	for (uint32_t at = header_at + LVM2_UUID_CHARS + 8; at + 16 <= SECTOR && lists < 2; at += 16) {
		struct lvm2_range range = {.offset = le64_load(sector + at), .bytes = le64_load(sector + at + 8)};
		if (range.offset == 0)
			lists++;
		else if (lists == 1 && count < AREAS_MAX)
			areas[count++] = range;
	}
	return count;
}

/* The text goes round in the area, behind its header. */
static bool read_round(const struct disk_view *view, const struct lvm2_range *area, uint64_t from, char *to, size_t length)
{
	uint64_t left = area->bytes - from;
	size_t first = length < left ? length : (size_t)left;
	return disk_view_read(view, area->offset + from, to, first)
		&& disk_view_read(view, area->offset + AREA_HEADER_BYTES, to + first, length - first);
}

/* The committed text of an area, on the heap; NULL: none that is sound. */
static char *read_area(const struct disk_view *view, const struct lvm2_range *area, size_t *length)
{
	static const uint8_t magic[16] = {0x20, 'L', 'V', 'M', '2', 0x20, 'x', '[', '5', 'A', '%', 'r', '0', 'N', '*', '>'};
	uint8_t header[AREA_HEADER_BYTES];
	if (!disk_view_read(view, area->offset, header, sizeof(header)) || memcmp(header + 4, magic, sizeof(magic)) != 0
		|| crc32_update(CRC_START, header + 4, sizeof(header) - 4) != le32_load(header)
		|| le64_load(header + 24) != area->offset || le64_load(header + 32) != area->bytes)
		return NULL;
	uint64_t from = le64_load(header + 40), bytes = le64_load(header + 48);
	if (from < AREA_HEADER_BYTES || from >= area->bytes || !bytes || bytes > TEXT_MAX
		|| bytes > area->bytes - AREA_HEADER_BYTES || (le32_load(header + 60) & AREA_IGNORED))
		return NULL;
	*length = (size_t)bytes;
	char *text = malloc(*length);
	if (text && read_round(view, area, from, text, *length) && crc32_update(CRC_START, text, *length) == le32_load(header + 56))
		return text;
	free(text);
	return NULL;
}

/* The newest text of all areas. */
static bool read_text(const struct disk_view *view, const uint8_t *label, uint32_t header_at, struct text *newest, struct text *other)
{
	struct lvm2_range areas[AREAS_MAX];
	size_t length, count = list_areas(label, header_at, areas);
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		char *bytes = read_area(view, &areas[i], &length);
		*other = (struct text){0};
		bool good = bytes && lvm2_text_parse(bytes, length, take_value, other);
		free(bytes);
		if (good && (!any || other->sequence > newest->sequence))
			*newest = *other;
		any = any || good;
	}
	return any;
}

/* --- From text to volumes --- */

static const struct physical *own_physical(const struct text *text, const uint8_t *label, uint32_t header_at)
{
	for (size_t i = 0; i < text->physical_count; i++)
		if (memcmp(text->physical[i].id, label + header_at, LVM2_UUID_CHARS) == 0)
			return &text->physical[i];
	return NULL;
}

static bool is_linear(const struct segment *segment)
{
	return segment->linear && segment->stripes == 1;
}

static bool lies_on(const struct segment *segment, const struct physical *own)
{
	return strcmp(segment->on, own->name) == 0 && segment->extents && segment->place < own->extents
		&& segment->extents <= own->extents - segment->place;
}

/* Whether it lies, all of it, on a physical volume of the group that is known. */
static bool has_place(const struct text *text, const struct segment *segment, const struct physical *own)
{
	if (strcmp(segment->on, own->name) == 0)
		return lies_on(segment, own);
	for (size_t i = 0; i < text->physical_count; i++)
		if (strcmp(text->physical[i].name, segment->on) == 0)
			return true;
	return false;
}

static bool is_referenced(const struct text *text, const char *name)
{
	for (size_t i = 0; i < text->reference_count; i++)
		if (strcmp(text->references[i], name) == 0)
			return true;
	for (size_t i = 0; i < text->segment_count; i++)
		if (strcmp(text->segments[i].on, name) == 0)
			return true;
	return false;
}

/* Puts the volume's segments together; why that cannot be done, or NULL. */
static const char *assemble(const struct disk_view *view, const struct text *text, const struct physical *own, size_t number,
	struct lvm2_volume *volume)
{
	uint64_t extent_bytes = text->extent_sectors * SECTOR, next = 0;
	for (size_t i = 0; i < text->segment_count; i++) {
		const struct segment *segment = &text->segments[i];
		if (segment->volume != number)
			continue;
		if (!is_linear(segment))
			return "it has segments that are not linear";
		if (!lies_on(segment, own))
			return "part of it lies on another physical volume";
		if (segment->start != next)
			return "its segments do not follow each other";
		next += segment->extents;
		if (!disk_view_append(&volume->view, view, own->start_sector * SECTOR + segment->place * extent_bytes, segment->extents * extent_bytes))
			return "it lies outside the physical volume, or in too many pieces";
	}
	return volume->view.bytes ? NULL : "it has no segments";
}

static void add_volumes(const struct disk_view *view, const struct text *text, const struct physical *own, struct lvm2_group *group)
{
	for (size_t i = 0; i < text->volume_count; i++) {
		struct lvm2_volume *volume = &group->volumes[group->count++];
		copy_name(volume->name, text->volumes[i]);
		volume->view.disk = view->disk;
		volume->why_not = assemble(view, text, own, i, volume);
		if (!volume->why_not && is_referenced(text, volume->name))
			volume->why_not = "another volume depends on it";
	}
}

static int by_place(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* Extents of no volume; none where any segment could lie anywhere. Sorts the segments, so it comes last. */
static void add_free(struct text *text, const struct physical *own, struct lvm2_group *group)
{
	uint64_t extent_bytes = text->extent_sectors * SECTOR, next = 0;
	for (size_t i = 0; i < text->segment_count; i++)
		if (!is_linear(&text->segments[i]) || !has_place(text, &text->segments[i], own))
			return;
	qsort(text->segments, text->segment_count, sizeof(text->segments[0]), by_place);
	for (size_t i = 0; i <= text->segment_count; i++) {
		const struct segment *segment = &text->segments[i];
		if (i < text->segment_count && !lies_on(segment, own))
			continue;
		uint64_t place = i < text->segment_count ? segment->place : own->extents;
		if (place > next)
			group->free[group->free_count++] = (struct lvm2_range){
				.offset = group->first_extent + next * extent_bytes, .bytes = (place - next) * extent_bytes};
		if (i < text->segment_count && place + segment->extents > next)
			next = place + segment->extents;
	}
}

static bool sizes_fit(const struct disk_view *view, const struct text *text, const struct physical *own)
{
	if (!text->extent_sectors || text->extent_sectors > EXTENT_SECTORS_MAX || !own->start_sector)
		return false;
	uint64_t sectors = view->bytes / SECTOR;
	return own->start_sector <= sectors && own->extents <= (sectors - own->start_sector) / text->extent_sectors;
}

static bool understand(const struct disk_view *view, struct text *texts, struct lvm2_group *group, struct error *err)
{
	uint8_t label[SECTOR];
	uint32_t header_at;
	if (!read_label(view, label, &header_at))
		return refuse(err, "the label is damaged");
	if (!read_text(view, label, header_at, &texts[0], &texts[1]))
		return refuse(err, "no metadata that can be read: the physical volume belongs to no group, or is damaged");
	const struct physical *own = own_physical(&texts[0], label, header_at);
	if (!own || !sizes_fit(view, &texts[0], own))
		return refuse(err, "the metadata does not fit this physical volume");
	copy_name(group->name, texts[0].name);
	group->first_extent = own->start_sector * SECTOR;
	add_volumes(view, &texts[0], own, group);
	add_free(&texts[0], own, group);
	return true;
}

bool lvm2_is_there(const struct disk_view *view)
{
	uint8_t sector[SECTOR];
	for (unsigned number = 0; number < LABEL_SECTORS; number++)
		if (disk_view_read(view, number * (uint64_t)SECTOR, sector, SECTOR) && memcmp(sector, "LABELONE", 8) == 0)
			return true;
	return false;
}

struct lvm2_group *lvm2_read(const struct disk_view *view, struct error *err)
{
	struct text *texts = calloc(2, sizeof(*texts));
	struct lvm2_group *group = calloc(1, sizeof(*group));
	bool good = texts && group ? understand(view, texts, group, err) : error_set(err, ERR_SYSTEM, "", "out of memory");
	free(texts);
	if (good)
		return group;
	free(group);
	return NULL;
}
