// SPDX-License-Identifier: GPL-2.0
/* Tells by its status whether it was started with LD_PRELOAD, as the loader would look. */

#include <string.h>

#include "preloaded.h"

#define NAME "LD_PRELOAD="

int main(int argc, char **argv, char **envp)
{
	for (; *envp; envp++) {
		if (!strncmp(*envp, NAME, strlen(NAME)))
			return PRELOADED;
	}
	return 0;
}
