// SPDX-License-Identifier: GPL-2.0
/* Makes many processes, which do nothing. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define STACK 4096

/* The parent of all, so that nobody else has so many children to look through. */
static pid_t parent;
static int made;

static int wait_for_ever(void *unused)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* They share their memory, for the machine has not enough for as many of their own. */
static void make(int n)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD;
	char *stacks = mmap(NULL, (size_t)n * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < n; i++)
		if (clone(wait_for_ever, stacks + (size_t)(i + 1) * STACK, flags, NULL) < 0)
			die("clone");
}

/* Makes as many as it is told to, answers, and waits for the next number. */
static void be_parent(int orders, int answers)
{
	int n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(orders, &n, sizeof(n)) == sizeof(n)) {
		make(n);
		if (write(answers, &n, sizeof(n)) != sizeof(n))
			break;
	}
	_exit(1);
}

static void raise_limits(void)
{
	if (system("echo 65536 >/proc/sys/kernel/pid_max && echo 65536 >/proc/sys/kernel/threads-max"))
		die("limits");
}

void crowd(int processes)
{
	static int orders[2], answers[2];
	int more = processes - made;

	if (!processes) {
		if (parent)
			kill(parent, SIGKILL);
		parent = 0;
		made = 0;
		return;
	}
	if (!parent) {
		raise_limits();
		if (pipe(orders) || pipe(answers))
			die("pipe");
		parent = fork();
		if (!parent)
			be_parent(orders[0], answers[1]);
	}
	if (write(orders[1], &more, sizeof(more)) != sizeof(more) ||
	    read(answers[0], &more, sizeof(more)) != sizeof(more))
		die("the crowd");
	made = processes;
}
