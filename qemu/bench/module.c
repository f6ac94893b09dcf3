// SPDX-License-Identifier: GPL-2.0
/* What it costs to ask for a module and to load one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure.h"

#define NAME "libblake2b"

static char path[512];

/* The kernel asks for net-pf-9, and nobody has it. */
static void request(void)
{
	measure_tgid(getpid());
	if (socket(AF_X25, SOCK_STREAM, 0) >= 0)
		die("AF_X25");
	measure_tgid(0);
}

static void load(void)
{
	int fd = open(path, O_RDONLY);

	measure_tgid(getpid());
	if (syscall(SYS_finit_module, fd, "", 0))
		die(path);
	measure_tgid(0);
	close(fd);
	while (syscall(SYS_delete_module, NAME, O_NONBLOCK))
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			die("delete_module");
}

/* What the first line of a command's output has; ends the program if it has less. */
static void ask(const char *command, const char *format, char *answer)
{
	FILE *pipe = popen(command, "r");

	if (!pipe || fscanf(pipe, format, answer) != 1)
		die(command);
	pclose(pipe);
}

static unsigned char digest[32];

static void find_module(void)
{
	char command[600], hex[65];

	ask("modinfo -n " NAME, "%511s", path);
	snprintf(command, sizeof(command), "sha256sum %s", path);
	ask(command, "%64s", hex);
	for (int i = 0; i < 32; i++)
		sscanf(hex + 2 * i, "%2hhx", &digest[i]);
}

static struct workload requesting = { request, BIT(MODULE_REQUEST), FEW };
static struct workload loading = { load, BIT(MODULE_READ), FEW, find_module };

static void module_allow(__u32 entries)
{
	struct list list = { "allowed", entries, digest };
	char id[40], title[64];

	snprintf(id, sizeof(id), "module.module_allow.%u", entries);
	snprintf(title, sizeof(title), "load of a module, module_allow, %u digest%s", entries, entries == 1 ? "" : "s");
	compare_shipped(&loading, ROW(id, title), "module_allow", &list);
}

void module_costs(void)
{
	compare(&requesting, ROW("module.request", "request of a module, an empty policy"),
		"krsi_request", "lsm_request");
	compare_nothing(&requesting, ROW("again.request", "request of a module, nothing attached any more"));
	compare(&loading, ROW("module.load", "load of a module, an empty policy"), "krsi_load", "lsm_load");
	compare(&loading, ROW("module.digest", "load of a module, its digest"), "krsi_mod_digest", NULL);
	module_allow(1);
	module_allow(1000);
	module_allow(1000000);
	compare_nothing(&loading, ROW("again.load", "load of a module, nothing attached any more"));
}
