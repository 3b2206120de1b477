/* lvm2_test.c - without it, a volume could be put together from the wrong extents, or extents in use be called free. */
#include "check.h"
#include "disk_builder.h"
#include "lvm2.h"
#include "lvm2_text.h"

#define BYTES (4u << 20)
#define EXTENTS (BYTES / LVM_EXTENT - 1)
#define VOLUMES_TEXT 32768u

static uint8_t bytes[BYTES];

static struct lvm2_group *read_group(void)
{
	struct error err = {0};
	struct disk *disk = disk_open_memory(bytes, BYTES);
	struct disk_view view = disk_view_all(disk);
	CHECK(lvm2_is_there(&view));
	struct lvm2_group *group = lvm2_read(&view, &err);
	CHECK(!group == (err.code != NULL));
	disk_close(disk);
	return group;
}

static struct lvm2_group *read_volumes(const char *volumes)
{
	memset(bytes, 0, BYTES);
	lvm_build(bytes, BYTES, volumes);
	return read_group();
}

static bool is_refused(void)
{
	struct lvm2_group *group = read_group();
	free(group);
	return !group;
}

#define SEGMENT(name, start, count, type, on, place) \
	name " {\nstart_extent = " start "\nextent_count = " count "\ntype = \"" type "\"\nstripe_count = 1\nstripes = [ \"" on "\", " place " ]\n}\n"
#define VOLUME(name, segments) name " {\nid = \"v\"\nsegment_count = 2\n" segments "}\n"
#define ROOT_PIECES SEGMENT("segment1", "0", "3", "striped", "pv0", "20") SEGMENT("segment2", "3", "2", "striped", "pv0", "4")
#define ROOT VOLUME("root", ROOT_PIECES)

static void a_volume_is_put_together_in_its_order(void)
{
	struct lvm2_group *group = read_volumes(ROOT);
	CHECK(group && strcmp(group->name, "vg") == 0 && group->count == 1 && !group->volumes[0].why_not);
	const struct disk_view *view = &group->volumes[0].view;
	CHECK(strcmp(group->volumes[0].name, "root") == 0 && view->bytes == 5 * LVM_EXTENT && view->count == 2);
	CHECK(view->segments[0].offset == 21 * LVM_EXTENT && view->segments[1].offset == 5 * LVM_EXTENT);
	CHECK(view->segments[1].at == 3 * LVM_EXTENT && view->segments[1].bytes == 2 * LVM_EXTENT);
	CHECK(group->first_extent == LVM_EXTENT && group->free_count == 3);
	CHECK(group->free[0].offset == LVM_EXTENT && group->free[0].bytes == 4 * LVM_EXTENT);
	CHECK(group->free[1].offset == 7 * LVM_EXTENT && group->free[1].bytes == 14 * LVM_EXTENT);
	CHECK(group->free[2].offset == 24 * LVM_EXTENT && group->free[2].bytes == (EXTENTS - 23) * LVM_EXTENT);
	free(group);
}

/* One volume, why it is not understood, and how many pieces of free extents there are then. */
static void expect(const char *volumes, size_t index, const char *why_not, size_t free_count)
{
	struct lvm2_group *group = read_volumes(volumes);
	CHECK(group && index < group->count, "%s", volumes);
	const char *found = group->volumes[index].why_not;
	CHECK(why_not ? found && strstr(found, why_not) : !found, "%s: %s", volumes, found ? found : "understood");
	CHECK(group->free_count == free_count, "%zu free in %s", group->free_count, volumes);
	free(group);
}

static void what_is_not_linear_here_is_not_understood(void)
{
	expect(ROOT VOLUME("thin", SEGMENT("segment1", "0", "1", "thin", "pv0", "1")), 1, "not linear", 0);
	expect(ROOT VOLUME("snap", "segment1 {\nstart_extent = 0\nextent_count = 1\ntype = \"snapshot\"\norigin = \"root\"\n}\n"), 0, "depends on it", 0);
	expect(VOLUME("far", SEGMENT("segment1", "0", "1", "striped", "pv1", "1")), 0, "another physical", 1);
	expect(ROOT VOLUME("moved", SEGMENT("segment1", "0", "1", "striped", "root", "0")), 0, "depends on it", 0);
	expect(VOLUME("hole", SEGMENT("segment1", "1", "1", "striped", "pv0", "1")), 0, "do not follow", 2);
	expect(VOLUME("none", ""), 0, "no segments", 1);
}

/* The number of a segment is believed only where the physical volume has that many extents. */
static void segments_beyond_the_physical_volume_leave_nothing_free(void)
{
	expect(VOLUME("long", SEGMENT("segment1", "0", "999", "striped", "pv0", "1")), 0, "another physical", 0);
	expect(VOLUME("far", SEGMENT("segment1", "0", "1", "striped", "pv0", "18446744073709551616")), 0, "another physical", 0);
	expect(VOLUME("minus", SEGMENT("segment1", "0", "1", "striped", "pv0", "-1")), 0, "another physical", 0);
	expect(VOLUME("wide", SEGMENT("segment1", "0", "1844674407370955160", "striped", "pv0", "1")), 0, "another physical", 0);
	expect(VOLUME("empty", SEGMENT("segment1", "0", "0", "striped", "pv0", "1")), 0, "another physical", 0);
	expect(VOLUME("nowhere", SEGMENT("segment1", "0", "1", "striped", "pv7", "1")), 0, "another physical", 0);
}

static void damage_is_seen(void)
{
	static const struct {
		unsigned at; /* of the area's header, then of the label */
		uint64_t value;
		const char *what;
	} absurd[] = {
		{24, 0, "the area's own place"}, {32, UINT64_MAX, "the area's size"}, {40, 0, "the text over the header"},
		{40, LVM_AREA_BYTES, "the text behind the area"}, {48, 0, "no text"}, {48, UINT64_MAX, "a text longer than the area"},
		{48, (1u << 20) + 1, "a text that is too long"}, {56, UINT64_C(1) << 32, "an area that is ignored"},
	};
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		free(read_volumes(ROOT));
		le64_store(bytes + LVM_AREA_AT + absurd[i].at, absurd[i].value);
		lvm_seal(bytes);
		CHECK(is_refused(), "%s", absurd[i].what);
	}
	static const unsigned places[] = {512 + 100, LVM_AREA_AT + 100, LVM_AREA_AT + LVM_TEXT_AT + 50};
	for (size_t i = 0; i < 3; i++) {
		free(read_volumes(ROOT));
		bytes[places[i]] ^= 1;
		CHECK(is_refused(), "a checksum, byte %u", places[i]);
	}
	free(read_volumes(ROOT));
	memcpy(bytes + 512 + 32, "another physical volume, not pv0", 32);
	lvm_seal(bytes);
	CHECK(is_refused(), "the group does not know this physical volume");
}

/* The text goes round: its second half lies at the area's start, behind the header. */
static void a_text_may_go_round_its_area(void)
{
	free(read_volumes(ROOT));
	uint8_t *area = bytes + LVM_AREA_AT;
	size_t length = (size_t)le64_load(area + 48), first = length / 2;
	uint8_t *text = malloc(length);
	CHECK(text);
	memcpy(text, area + LVM_TEXT_AT, length);
	le64_store(area + 40, LVM_AREA_BYTES - first);
	memcpy(area + LVM_AREA_BYTES - first, text, first);
	memcpy(area + 512, text + first, length - first);
	le32_store(area, crc32_update(0xf597a6cf, area + 4, 508));
	free(text);
	struct lvm2_group *group = read_group();
	CHECK(group && group->count == 1 && !group->volumes[0].why_not);
	free(group);
}

/* `count` times `line`, in which %u is a number, as the volumes. */
static bool many_are_refused(unsigned count, const char *before, const char *line, const char *after)
{
	static char volumes[VOLUMES_TEXT];
	int length = snprintf(volumes, sizeof(volumes), "%s", before);
	for (unsigned i = 0; i < count; i++) {
		const char *mark = strchr(line, '#');
		length += snprintf(volumes + length, sizeof(volumes) - (size_t)length, "%.*s%u%s", (int)(mark - line), line, i, mark + 1);
	}
	snprintf(volumes + length, sizeof(volumes) - (size_t)length, "%s", after);
	struct lvm2_group *group = read_volumes(volumes);
	free(group);
	return !group;
}

static void a_text_of_too_much_is_refused(void)
{
	CHECK(!many_are_refused(LVM2_VOLUMES_MAX, "", "v# { id = 1 }\n", ""));
	CHECK(many_are_refused(LVM2_VOLUMES_MAX + 1, "", "v# { id = 1 }\n", ""));
	CHECK(!many_are_refused(LVM2_SEGMENTS_MAX, "v {", "s# { extent_count = 1 }\n", "}"));
	CHECK(many_are_refused(LVM2_SEGMENTS_MAX + 1, "v {", "s# { extent_count = 1 }\n", "}"));
	CHECK(!many_are_refused(256, "v { s { a = [", "\"n#\",", "1 ] } }"));
	CHECK(many_are_refused(257, "v { s { a = [", "\"n#\",", "1 ] } }"));
}

/* --- The text by itself --- */

struct values {
	unsigned count;
	uint64_t sum;
	char last[LVM2_NAME_BYTES];
};

static bool take(void *context, const struct lvm2_value *value)
{
	struct values *values = context;
	values->count++;
	values->sum += value->number == LVM2_NO_NUMBER ? 1000 : value->number;
	if (value->string)
		strcpy(values->last, value->string);
	return true;
}

/* From a buffer of just its length, so that a byte too far is seen. */
static bool parse(const char *text, size_t length, struct values *values)
{
	char *copy = malloc(length + !length);
	*values = (struct values){0};
	CHECK(copy);
	memcpy(copy, text, length);
	bool good = lvm2_text_parse(copy, length, take, values);
	free(copy);
	return good;
}

static void a_text_that_is_cut_off_is_refused(void)
{
	static const char text[] = "a { b { c = [ \"x\\\"y\", 12, -3 ] # }\nd = 1.5 e = \"\" f = [] g = 30 } }";
	struct values values;
	CHECK(parse(text, sizeof(text) - 1, &values) && values.count == 6 && values.sum == 12 + 30 + 2 * 1000);
	for (size_t length = 1; length < sizeof(text) - 1; length++)
		CHECK(!parse(text, length, &values), "%zu", length);
}

static void grammar_is_kept(void)
{
	static const char *const wrong[] = {"}", "a { } }", "a = ", "= 1", "a = [ 1 2 ]", "a = [ 1", "a = \"x", "a = { }", "a b", "a",
		"a { b { c { d { e { f { g { } } } } } } }"};
	struct values values;
	char name[LVM2_NAME_BYTES + 8], string[LVM2_NAME_BYTES + 16];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(!parse(wrong[i], strlen(wrong[i]), &values), "%s", wrong[i]);
	CHECK(parse("a { b { c { d { e { f { } } } } } }", 35, &values));
	for (unsigned length = LVM2_NAME_BYTES - 2; length < LVM2_NAME_BYTES + 2; length++) {
		snprintf(name, sizeof(name), "%0*u = 1", (int)length, 0);
		CHECK(parse(name, strlen(name), &values) == (length < LVM2_NAME_BYTES), "a name of %u", length);
		snprintf(string, sizeof(string), "a = \"%0*u\"", (int)length, 0);
		CHECK(parse(string, strlen(string), &values) && strlen(values.last) == (length < LVM2_NAME_BYTES ? length : LVM2_NAME_BYTES - 1));
	}
	CHECK(parse("a = 18446744073709551616", 24, &values) && values.sum == 1000, "too large a number is none");
}

int main(void)
{
	a_volume_is_put_together_in_its_order();
	what_is_not_linear_here_is_not_understood();
	segments_beyond_the_physical_volume_leave_nothing_free();
	damage_is_seen();
	a_text_may_go_round_its_area();
	a_text_of_too_much_is_refused();
	a_text_that_is_cut_off_is_refused();
	grammar_is_kept();
	CHECKS_PASSED();
	return 0;
}
