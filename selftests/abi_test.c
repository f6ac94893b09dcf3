// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the ABI only grows: a policy that was built with its first or second
 * header is attached, sees what it saw then and is obeyed; and a struct that is filled for a
 * policy is filled as far as the policy's size reaches, and zeroed behind that.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "abi.h"
#include "observe.h"
#include "sizes.h"
#include "unlinking.h"

KEEP_POLICIES("abi1.bpf.o", "abi1")

FIXTURE(first_abi)
{
	struct policy policy;
	struct abi *abi;
};

FIXTURE_SETUP(first_abi)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "abi1.bpf.o", "abi1"));
	self->abi = self->policy.data;
}

FIXTURE_TEARDOWN(first_abi)
{
	policy_close(&self->policy);
	mode_restore();
}

static int run_with_strings_of(__u32 *tgid, __u32 *other)
{
	char *argv[] = { "exit0", "argument", NULL };
	char *envp[] = { "A=b", ABI_ENV "=value", NULL };
	struct run how = {
		.path = DIR "/exit0",
		.argv = argv,
		.envp = envp,
		.tgid = { tgid, other },
	};

	return run(&how);
}

static int run_with_strings(__u32 *tgid)
{
	return run_with_strings_of(tgid, NULL);
}

TEST_F(first_abi, policy_is_attached)
{
	struct policy_line line;

	/* Or this would be a policy of today. */
	EXPECT_EQ(1, policy_ops(&self->policy)->abi);
	ASSERT_EQ(0, policy_line("abi1", &line));
	EXPECT_STREQ("enforce", line.mode);
	EXPECT_EQ(0, strncmp(line.ops, "process_exec:", strlen("process_exec:")));
	EXPECT_EQ(NULL, strchr(line.ops, ','));
}

TEST_F(first_abi, policy_sees_the_context)
{
	const struct abi *abi = self->abi;

	ASSERT_EQ(0, run_with_strings(&self->abi->tgid));
	EXPECT_EQ(1, abi->ran);
	EXPECT_EQ(0, abi->header);
	EXPECT_EQ(0, abi->depth);
	EXPECT_EQ(0, abi->flags);
	EXPECT_EQ(2, abi->argc);
	EXPECT_EQ(2, abi->envc);
	EXPECT_EQ(sizeof("exit0\0argument\0A=b\0" ABI_ENV "=value"), abi->strings_len);
}

/* A policy of today would have to ask for these; one that is attached beside it sees none. */
TEST_F(first_abi, policy_has_the_facts_that_cost_in_its_flags)
{
	struct observer *observer;
	struct policy today;

	ASSERT_EQ(0, chmod(DIR "/exit0", 04755));
	ASSERT_EQ(0, policy_start(&today, "observer.bpf.o", "observer_no_sleep"));
	observer = today.data;
	observer->raw_flags = true;
	ASSERT_EQ(0, run_with_strings_of(&self->abi->tgid, &observer->tgid));
	EXPECT_EQ(KRSI_EXEC_WRITABLE | KRSI_EXEC_PRIVILEGED, self->abi->flags);
	EXPECT_EQ(2, observer->n);
	EXPECT_EQ(0, observer->event[0].flags);
	EXPECT_EQ(-EINVAL, observer->event[0].unknown_facts_ret);
	policy_close(&today);
}

TEST_F(first_abi, policy_reads_the_strings)
{
	static const char env[] = "A=b\0" ABI_ENV "=value";
	static const char args[] = "exit0\0argument";
	const struct abi *abi = self->abi;

	ASSERT_EQ(0, run_with_strings(&self->abi->tgid));
	EXPECT_EQ(strlen("value"), abi->value_ret);
	EXPECT_STREQ("value", abi->value);
	EXPECT_EQ(strlen("A=b") + 1 + strlen(ABI_ENV "="), abi->find_ret);
	EXPECT_EQ(1, abi->count_ret);
	EXPECT_EQ(sizeof(env), abi->env_ret);
	EXPECT_EQ(0, memcmp(env, abi->env, sizeof(env)));
	EXPECT_EQ(strlen("argument"), abi->arg_ret);
	EXPECT_STREQ("argument", abi->arg);
	EXPECT_EQ(sizeof(args), abi->args_ret);
	EXPECT_EQ(0, memcmp(args, abi->args, sizeof(args)));
}

TEST_F(first_abi, policy_is_told_which_file_and_which_task)
{
	const struct abi *abi = self->abi;
	struct stat file, own;

	ASSERT_EQ(0, run_with_strings(&self->abi->tgid));
	ASSERT_EQ(0, stat(DIR "/exit0", &file));
	ASSERT_EQ(0, stat("/proc/self/exe", &own));
	EXPECT_EQ(strlen(DIR "/exit0"), abi->path_ret);
	EXPECT_STREQ(DIR "/exit0", abi->path);
	EXPECT_EQ(0, abi->file_ret);
	EXPECT_EQ(file.st_dev, abi->dev);
	EXPECT_EQ(file.st_ino, abi->ino);
	EXPECT_EQ(0, abi->task_ret);
	EXPECT_EQ(abi->tgid, abi->pid);
	EXPECT_EQ(abi->tgid, abi->task_tgid);
	EXPECT_EQ(getpid(), abi->ppid);
	EXPECT_EQ(getuid(), abi->uid);
	EXPECT_EQ(getgid(), abi->gid);
	EXPECT_EQ(geteuid(), abi->euid);
	EXPECT_EQ(getegid(), abi->egid);
	EXPECT_EQ(0, abi->reserved);
	EXPECT_NE(0, abi->start_time);
	EXPECT_EQ(own.st_dev, abi->exe_dev);
	EXPECT_EQ(own.st_ino, abi->exe_ino);
	EXPECT_STREQ("abi_test", abi->comm);
}

/* Its struct ends where the first field that came later begins. */
TEST_F(first_abi, policy_gets_no_more_than_it_has_room_for)
{
	EXPECT_EQ(ABI1_TASK_SIZE, offsetof(struct krsi_task_id, parent_exe));
	ASSERT_EQ(0, run_with_strings(&self->abi->tgid));
	EXPECT_EQ(0, self->abi->task_ret);
	EXPECT_EQ(ABI_CANARY, self->abi->behind_task);
}

TEST_F(first_abi, policy_is_obeyed)
{
	static const int answers[] = { -EPERM, -EACCES, 0 };
	struct policy_line line;

	for (int i = 0; i < ARRAY_SIZE(answers); i++) {
		self->abi->answer = answers[i];
		EXPECT_EQ(answers[i], run_with_strings(&self->abi->tgid));
		EXPECT_EQ(i + 1, self->abi->ran);
	}
	ASSERT_EQ(0, policy_line("abi1", &line));
	EXPECT_EQ(2, line.denials);
	EXPECT_EQ(0, line.errors);
}

FIXTURE(second_abi)
{
	struct policy policy;
	struct abi *abi;
	struct stat program;
};

FIXTURE_SETUP(second_abi)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, stat(PROGRAM, &self->program));
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "abi2.bpf.o", "abi2"));
	self->abi = self->policy.data;
}

FIXTURE_TEARDOWN(second_abi)
{
	policy_close(&self->policy);
	mode_restore();
}

/* The program removes itself; 0 or -errno. */
static int remove_itself(__u32 *tgid)
{
	char *argv[] = { "program", "self", NULL };
	struct run how = { .path = PROGRAM, .argv = argv, .tgid = { tgid } };

	return -run(&how);
}

TEST_F(second_abi, policy_sees_the_context)
{
	const struct abi *abi = self->abi;

	EXPECT_EQ(2, policy_ops(&self->policy)->abi);
	ASSERT_EQ(0, remove_itself(&self->abi->tgid));
	EXPECT_EQ(1, abi->ran);
	EXPECT_EQ(0, abi->header);
	EXPECT_EQ(0, abi->flags);
	EXPECT_EQ(KRSI_UNLINK_UNLINK, abi->how);
	EXPECT_EQ(0, abi->links_left);
	EXPECT_EQ(KRSI_WHOSE_OWN, abi->whose);
	EXPECT_EQ(KRSI_NAME_GONE, abi->name_now);
	EXPECT_EQ(0, abi->reserved);
	EXPECT_LT(0, abi->exec_age);
}

TEST_F(second_abi, policy_is_told_which_file_and_which_task)
{
	const struct abi *abi = self->abi;
	struct stat own;

	ASSERT_EQ(0, stat("/proc/self/exe", &own));
	ASSERT_EQ(0, remove_itself(&self->abi->tgid));
	EXPECT_EQ(strlen(PROGRAM), abi->path_ret);
	EXPECT_STREQ(PROGRAM, abi->path);
	EXPECT_EQ(0, abi->file_ret);
	EXPECT_EQ(self->program.st_dev, abi->dev);
	EXPECT_EQ(self->program.st_ino, abi->ino);
	EXPECT_EQ(0, abi->task_ret);
	EXPECT_EQ(abi->tgid, abi->task_tgid);
	EXPECT_EQ(self->program.st_dev, abi->exe_dev);
	EXPECT_EQ(self->program.st_ino, abi->exe_ino);
	EXPECT_EQ(own.st_ino, abi->parent_ino);
	/* Its struct ends where the first field that came later begins. */
	EXPECT_EQ(ABI2_TASK_SIZE, offsetof(struct krsi_task_id, mnt_ns));
	EXPECT_EQ(ABI_CANARY, abi->behind_task);
}

TEST_F(second_abi, policy_is_obeyed)
{
	self->abi->answer = -EACCES;
	EXPECT_EQ(-EACCES, remove_itself(&self->abi->tgid));
	self->abi->answer = 0;
	EXPECT_EQ(0, remove_itself(&self->abi->tgid));
	EXPECT_EQ(2, self->abi->ran);
}

#define DIRTY 0xaa

/* The sizes that are asked for: first the whole, then among others a part of it. */
#define SIZES(whole, part) { whole, 0, 1, 8, part, (whole) - 1, (whole) + 1, (whole) + 16 }

static const __u32 file_sizes[SIZES_ASKED] =
	SIZES(sizeof(struct krsi_file_id), offsetof(struct krsi_file_id, generation));
static const __u32 task_sizes[SIZES_ASKED] =
	SIZES(sizeof(struct krsi_task_id), offsetof(struct krsi_task_id, parent_exe));

static void ask(struct sized *sized, const __u32 *sizes)
{
	for (int i = 0; i < SIZES_ASKED; i++) {
		sized[i].size = sizes[i];
		/* An answer that nobody can mistake for one. */
		sized[i].ret = -EXFULL;
		memset(sized[i].out, DIRTY, sizeof(sized[i].out));
	}
}

static bool is_all(const __u8 *from, const __u8 *to, __u8 byte)
{
	while (from < to && *from == byte)
		from++;
	return from == to;
}

/* Each begins as the whole does, is zero behind that and ends with its size. */
static void expect_filled(struct __test_metadata *_metadata, const struct sized *sized)
{
	const struct sized *whole = &sized[0];

	for (int i = 0; i < SIZES_ASKED; i++) {
		const __u8 *out = sized[i].out, *end = out + sized[i].size;
		__u32 shorter = sized[i].size < whole->size ? sized[i].size : whole->size;

		EXPECT_EQ(0, sized[i].ret);
		EXPECT_EQ(0, memcmp(out, whole->out, shorter));
		EXPECT_TRUE(is_all(out + shorter, end, 0));
		EXPECT_TRUE(is_all(end, out + SIZES_ROOM, DIRTY)) {
			TH_LOG("size %u of %u", sized[i].size, whole->size);
		}
	}
}

FIXTURE(size)
{
	struct policy policy;
	struct sizes *sizes;
};

FIXTURE_SETUP(size)
{
	ASSERT_EQ(0, policy_start(&self->policy, "sizes.bpf.o", "sizes_exec"));
	self->sizes = self->policy.data;
	ask(self->sizes->file, file_sizes);
	ask(self->sizes->task, task_sizes);
}

FIXTURE_TEARDOWN(size)
{
	policy_close(&self->policy);
}

TEST_F(size, that_is_shorter_wins)
{
	const struct krsi_file_id *file = (void *)self->sizes->file[0].out;
	const struct krsi_task_id *task = (void *)self->sizes->task[0].out;
	struct stat st;

	ASSERT_EQ(0, run_exit0(&self->sizes->tgid, NULL, NULL));
	ASSERT_EQ(1, self->sizes->ran);
	/* The others are compared with these. */
	ASSERT_EQ(0, stat(test_path("exit0"), &st));
	EXPECT_TRUE(same_file(file, &st));
	EXPECT_EQ(self->sizes->tgid, task->tgid);
	EXPECT_STREQ("abi_test", task->comm);
	expect_filled(_metadata, self->sizes->file);
	expect_filled(_metadata, self->sizes->task);
}

TEST_HARNESS_MAIN
