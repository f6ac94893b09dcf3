// SPDX-License-Identifier: GPL-2.0
/* preloaded.so: a library that says so when a program is made to load it. */
#include <unistd.h>

__attribute__((constructor)) static void say(void)
{
	if (write(STDOUT_FILENO, "preloaded\n", 10) < 0)
		_exit(1);
}
