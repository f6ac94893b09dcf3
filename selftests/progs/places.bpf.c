// SPDX-License-Identifier: GPL-2.0
/*
 * Notes what is said of where the file of each exec and each removal of one process lies.
 * A program for kprobes holds that process in the midst of an answer, in the kernel's own
 * functions, until another has moved the file: with the window so wide nothing is left to
 * chance.
 */
#include "krsi.bpf.h"
#include "places.h"

#define ROUNDS (1 << 20)

struct places places;

static __always_inline int note(struct krsi_event *event)
{
	if (places.tgid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	places.asked = PLACES_PATH_HALF;
	places.path_len = krsi_get_file_path(event, places.path, sizeof(places.path));
	places.asked = PLACES_BELOW_HALF;
	places.below = krsi_is_below(event, &places.dir, sizeof(places.dir));
	places.asked = 0;
	places.n++;
	return places.deny ? -EPERM : 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(places_exec, struct krsi_exec *exec)
{
	return note(&exec->event);
}

SEC("struct_ops/file_unlink")
int BPF_PROG(places_unlink, struct krsi_unlink *removal)
{
	return note(&removal->event);
}

static long turn(__u64 i, __u64 *end)
{
	return *(volatile __u32 *)&places.moved == places.held || bpf_ktime_get_ns() > *end;
}

/* One loop alone can be over too soon. */
static long turns(__u64 i, __u64 *end)
{
	bpf_loop(ROUNDS, turn, end, 0);
	return turn(i, end);
}

/* On d_path() and krsi_user_dev(), which are called on the way; the cookie says on which. */
SEC("kprobe")
int hold(void *ctx)
{
	__u64 end = bpf_ktime_get_ns() + places.hold_ns;

	if (!places.asked || places.asked != places.hold ||
	    bpf_get_attach_cookie(ctx) != places.hold || places.held >= places.times ||
	    bpf_get_current_pid_tgid() >> 32 != places.tgid || places.passed++ < places.pass)
		return 0;
	places.held++;
	bpf_loop(ROUNDS, turns, &end, 0);
	return 0;
}

KRSI_POLICY(places_all, .flags = KRSI_NO_RECORD, .process_exec = (void *)places_exec,
	    .file_unlink = (void *)places_unlink);
