// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a policy's events reach user space, whole and in order, through
 * a ring buffer and through perf events, and that a loss is seen.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "common.h"
#include "events.h"
#include "run.h"

#define EXECS 10

struct received {
	struct event last;
	unsigned int n, wrong, lost;
};

static int take(void *to, void *data, size_t size)
{
	struct received *received = to;
	const struct event *event = data;
	char value[32];

	/* Perf events are rounded up. */
	if (size < sizeof(*event))
		received->wrong++;
	snprintf(value, sizeof(value), "value %u", event->number);
	if (strcmp(value, event->value) || event->value_len != (int)strlen(value))
		received->wrong++;
	if (received->n && event->number <= received->last.number)
		received->wrong++;
	received->last = *event;
	received->n++;
	return 0;
}

static void take_perf(void *to, int cpu, void *data, __u32 size)
{
	take(to, data, size);
}

static void take_lost(void *to, int cpu, __u64 lost)
{
	struct received *received = to;

	received->lost += lost;
}

static int run_number(struct events *events, int number)
{
	char value[32], *envp[] = { value, NULL };

	snprintf(value, sizeof(value), "EVENT=value %d", number);
	return run_exit0(&events->tgid, NULL, envp);
}

TEST(events_come_through_a_ring_buffer_and_a_full_one_is_noticed)
{
	struct received received = {};
	struct ring_buffer *ring;
	struct events *events;
	struct policy policy;
	int i, fits = EVENTS_RING / (sizeof(struct event) + 8);

	ASSERT_EQ(0, policy_start(&policy, "events.bpf.o", "events_ring"));
	events = policy.data;
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(policy.obj, "ring"), take,
				&received, NULL);
	ASSERT_NE(NULL, ring);
	for (i = 0; i < EXECS; i++) {
		EXPECT_EQ(0, run_number(events, i));
		EXPECT_LE(0, ring_buffer__consume(ring));
		EXPECT_EQ(i + 1, received.n);
		EXPECT_EQ(i, received.last.number);
	}
	EXPECT_EQ(0, received.wrong);
	EXPECT_EQ(0, events->dropped);

	/* Nobody reads while it fills up. */
	for (; i < EXECS + fits + 3; i++)
		EXPECT_EQ(0, run_number(events, i));
	EXPECT_LT(0, events->dropped);
	EXPECT_LE(0, ring_buffer__consume(ring));
	EXPECT_EQ(0, received.wrong);
	EXPECT_EQ(events->sent, received.n + events->dropped);
	ring_buffer__free(ring);
	policy_close(&policy);
}

TEST(events_come_through_perf_events)
{
	struct received received = {};
	struct perf_buffer *perf;
	struct events *events;
	struct policy policy;
	int i;

	ASSERT_EQ(0, policy_start(&policy, "events.bpf.o", "events_perf"));
	events = policy.data;
	perf = perf_buffer__new(bpf_object__find_map_fd_by_name(policy.obj, "perf"), 8, take_perf,
				take_lost, &received, NULL);
	ASSERT_NE(NULL, perf);
	for (i = 0; i < EXECS; i++) {
		EXPECT_EQ(0, run_number(events, i));
		EXPECT_LE(0, perf_buffer__consume(perf));
		EXPECT_EQ(i + 1, received.n);
		EXPECT_EQ(i, received.last.number);
	}
	EXPECT_EQ(0, received.wrong);
	EXPECT_EQ(0, received.lost);
	EXPECT_EQ(0, events->dropped);
	EXPECT_EQ(events->sent, received.n);
	perf_buffer__free(perf);
	policy_close(&policy);
}

TEST_HARNESS_MAIN
