// SPDX-License-Identifier: GPL-2.0
/* Deletes its own file, and says what came of it. */

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (unlink(argv[0])) {
		perror(argv[0]);
		return 1;
	}
	return puts("runs on without a file") < 0;
}
