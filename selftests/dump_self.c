// SPDX-License-Identifier: GPL-2.0
/*
 * Writes what a started program itself finds: its environment block to file
 * descriptor 3 and its block of arguments to file descriptor 4.
 */

#include <fcntl.h>
#include <unistd.h>

static int copy(const char *path, int to)
{
	static char buf[65536];
	ssize_t got;
	int from = open(path, O_RDONLY);

	if (from < 0)
		return 1;
	while ((got = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, got) != got)
			return 1;
	}
	return got < 0;
}

int main(void)
{
	return copy("/proc/self/environ", 3) || copy("/proc/self/cmdline", 4);
}
