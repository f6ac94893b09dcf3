// SPDX-License-Identifier: GPL-2.0
/* The attack of the demonstration: deletes its own executable and goes on running. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char path[PATH_MAX] = "";

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return 1;
	if (unlink(path)) {
		perror(path);
		return 1;
	}
	printf("%s: %s is gone, and I run on\n", path, path);
	return 0;
}
