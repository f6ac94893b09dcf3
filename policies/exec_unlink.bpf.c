// SPDX-License-Identifier: GPL-2.0
/*
 * exec_unlink: reports programs that leave no file behind, from both ends: one
 * that is deleted while it runs or soon after, and one that is executed without
 * a name (a memfd, O_TMPFILE, a file deleted before fexecve) or from a mount that
 * nobody else sees (fsmount() without move_mount(), umount -l, a mount namespace
 * that only a descriptor holds). In enforce mode it
 * refuses the deletion of what the process itself or a child of it runs, and
 * the exec of such a file.
 *
 * An upgrade that renames the new file over the old one is silent: the name leads
 * to a new file. Only a program that replaces its own file is reported, for a
 * package manager's upgrade of itself looks the same but for the link that it
 * keeps meanwhile. What was replaced and is executed once more, by who holds it open
 * (systemd's executor, a browser's workers, a file that is mounted into a container),
 * is reported and not refused.
 *
 * A script that its own interpreter removes is reported and not refused: so does pip, when
 * it upgrades itself and its directory for temporary files is on another filesystem; and
 * who means ill has rm do it.
 *
 * The facts are not proof: whoever first puts another file in the old place
 * looks like an upgrade, and is reported only if it is the program itself. A
 * script that ends in exec rm "$0", or that env runs, is no process's any more
 * when it goes away: it is reported as ended, and not refused.
 *
 * Look-alikes: go run and configure's tests build, run and remove, as a dropper
 * does, a program that puts another one on the disk; install(1) removes what runs
 * before it puts another in its place; runc executes itself from a memfd or from a
 * mount that it never attaches. Exempt them by who does it and as which user, by its
 * parent, by its cgroup or by the directory: krsi run exec_unlink --exempt-program
 * 0@/usr/bin/runc --exempt-dir /var/lib/builder; or a memfd by its digest (--allow-memfd).
 */
#define POLICY "exec_unlink"

#include "report.bpf.h"
#include "exempt.bpf.h"

/* What nobody runs any more is reported if it ran this recently. */
#define RECENT (60ULL * 1000000000)

/* What runc makes of itself, and nobody can change any more. krsi run --allow-memfd fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct krsi_allowed_memfd);
	__type(value, __u32);
} allowed_memfd SEC(".maps");

static __always_inline bool is_allowed_memfd(struct krsi_event *event)
{
	struct krsi_allowed_memfd key;
	struct krsi_digest digest;

	if (krsi_get_memfd_digest(event, &digest, sizeof(digest)) != sizeof(key.digest))
		return false;
	__builtin_memcpy(key.digest, digest.value, sizeof(key.digest));
	return bpf_map_lookup_elem(&allowed_memfd, &key);
}

static __always_inline int tell(void *ctx, struct krsi_event *event, __u32 behaviour,
				const char *signal, __u32 size, const char *fact, __u32 fact_size,
				int verdict)
{
	struct krsi_report *report;

	if (is_exempt(event))
		return 0;
	report = report_begin(event, behaviour, verdict);
	if (report) {
		__builtin_memcpy(report->signal, signal, size);
		__builtin_memcpy(report->value, fact, fact_size);
		report->value_len = fact_size - 1;
		report_submit(ctx, report);
	}
	return verdict;
}

/* The reason is that of a denial; whatever else there is leaves no record. */
#define TELL(event, behaviour, signal, fact, verdict)				\
({										\
	if (verdict)								\
		krsi_reason(event, signal ":" fact);				\
	tell(ctx, event, behaviour, signal, sizeof(signal), fact, sizeof(fact), verdict); \
})

#define TELL_EXEC(exec, signal, fact, verdict)					\
	TELL(&(exec)->event, KRSI_PROCESS_EXEC, signal, fact, verdict)
#define TELL_UNLINK(event, signal, fact, verdict)				\
	TELL(event, KRSI_EXECUTABLE_UNLINK, signal, fact, verdict)

/* Those that hold. What can't be answered is no reason to refuse; the kernel counts it. */
static __always_inline int facts_of(struct krsi_exec *exec, __u32 facts)
{
	int hold = krsi_get_exec_facts(exec, facts);

	return hold < 0 ? 0 : hold;
}

SEC("struct_ops/process_exec")
int BPF_PROG(exec_unlink_exec, struct krsi_exec *exec)
{
	int facts;

	if (exec->flags & KRSI_EXEC_MEMFD) {
		if (is_allowed_memfd(&exec->event))
			return 0;
		return TELL_EXEC(exec, "deleted_then_executed", "memfd", -EPERM);
	}
	facts = facts_of(exec, KRSI_EXEC_DETACHED | KRSI_EXEC_ELSEWHERE);
	if (facts & KRSI_EXEC_DETACHED)
		return TELL_EXEC(exec, "executed_out_of_sight", "detached", -EPERM);
	if (facts & KRSI_EXEC_ELSEWHERE)
		return TELL_EXEC(exec, "executed_out_of_sight", "elsewhere", -EPERM);
	if (!(exec->flags & KRSI_EXEC_UNLINKED))
		return 0;
	if (krsi_get_name_now(exec) == KRSI_NAME_OTHER)
		return TELL_EXEC(exec, "replaced_then_executed", "other", 0);
	/* Of a container, by who may mount there: anyone can in a user namespace of his own. */
	facts = facts_of(exec, KRSI_EXEC_MOUNT_ROOT | KRSI_EXEC_USER_MOUNT);
	if (facts == KRSI_EXEC_MOUNT_ROOT)
		return TELL_EXEC(exec, "replaced_then_executed", "mounted", 0);
	return TELL_EXEC(exec, "deleted_then_executed", "unlinked", -EPERM);
}

/* Whether the file is the executable of the task, and no script that it runs. */
static __always_inline bool is_executable(struct krsi_event *event)
{
	struct krsi_file_id file;
	struct krsi_task_id task;

	krsi_get_file_id(event, &file, sizeof(file));
	krsi_get_task_id(event, &task, sizeof(task));
	return file.dev == task.exe.dev && file.ino == task.exe.ino &&
	       file.generation == task.exe.generation;
}

SEC("struct_ops/executable_unlink")
int BPF_PROG(exec_unlink_unlink, struct krsi_exec_unlink *removal)
{
	struct krsi_event *event = &removal->event;

	if (removal->name_now == KRSI_NAME_SAME)
		return 0;
	if (removal->name_now == KRSI_NAME_OTHER) {
		if (removal->whose & KRSI_WHOSE_OWN && !removal->links_left)
			return TELL_UNLINK(event, "executable_replaced", "own", 0);
		return 0;
	}
	if (removal->whose & KRSI_WHOSE_OWN) {
		if (!is_executable(event))
			return TELL_UNLINK(event, "executed_then_deleted", "own_script", 0);
		return TELL_UNLINK(event, "executed_then_deleted", "own", -EPERM);
	}
	if (removal->whose & KRSI_WHOSE_DESCENDANT)
		return TELL_UNLINK(event, "executed_then_deleted", "descendant", -EPERM);
	/* A crowd of processes may be there to hide a child among them. */
	if (removal->whose & KRSI_WHOSE_UNKNOWN)
		return TELL_UNLINK(event, "executed_then_deleted", "unknown", -EPERM);
	if (removal->whose & KRSI_WHOSE_ANCESTOR)
		return TELL_UNLINK(event, "executed_then_deleted", "ancestor", 0);
	if (removal->whose)
		return TELL_UNLINK(event, "executed_then_deleted", "other", 0);
	if (removal->exec_age < RECENT)
		return TELL_UNLINK(event, "executed_then_deleted", "ended", 0);
	return 0;
}

KRSI_POLICY(exec_unlink, .process_exec = (void *)exec_unlink_exec,
	    .executable_unlink = (void *)exec_unlink_unlink);
