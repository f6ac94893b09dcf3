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
	set_tgid(MODULE_REQUEST, getpid());
	if (socket(AF_X25, SOCK_STREAM, 0) >= 0)
		die("AF_X25");
	set_tgid(MODULE_REQUEST, 0);
}

static void load(void)
{
	int fd = open(path, O_RDONLY);

	set_tgid(MODULE_READ, getpid());
	if (syscall(SYS_finit_module, fd, "", 0))
		die(path);
	set_tgid(MODULE_READ, 0);
	close(fd);
	while (syscall(SYS_delete_module, NAME, O_NONBLOCK))
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			die("delete_module");
}

static struct workload requesting = { request, MODULE_REQUEST, MODULE_REQUEST, NULL, TIMES / 10 };
static struct workload loading = { load, MODULE_READ, MODULE_READ, NULL, TIMES / 10 };

/* What the first line of a command's output has; ends the program if it has less. */
static void ask(const char *command, const char *format, char *answer)
{
	FILE *pipe = popen(command, "r");

	if (!pipe || fscanf(pipe, format, answer) != 1)
		die(command);
	pclose(pipe);
}

static void module_allow(const unsigned char *digest, __u32 entries, const char *what)
{
	struct list list = { "allowed", entries, digest };

	measure_shipped(&loading, "module_allow", &list, what);
}

void module_costs(int nothing)
{
	unsigned char digest[32];
	char command[600], hex[65];

	ask("modinfo -n " NAME, "%511s", path);
	snprintf(command, sizeof(command), "sha256sum %s", path);
	ask(command, "%64s", hex);
	for (int i = 0; i < 32; i++)
		sscanf(hex + 2 * i, "%2hhx", &digest[i]);

	measure(&requesting, "request of a module, nothing attached");
	measure(&loading, "load of a module, nothing attached");
	if (nothing)
		return;
	measure_with(&requesting, "krsi_request", "request, an empty KRSI module_request");
	measure(&requesting, "request of a module, nothing again");
	measure_with(&loading, "krsi_load", "load, an empty KRSI module_load");
	measure_with(&loading, "krsi_mod_digest", "load, KRSI asks for the digest");
	module_allow(digest, 1, "load, module_allow with 1 digest");
	module_allow(digest, 1000, "load, module_allow with 1,000");
	module_allow(digest, 1000000, "load, module_allow with 1,000,000");
	measure(&loading, "load of a module, nothing again");
}
