// SPDX-License-Identifier: GPL-2.0
/* A program with a known hole: the server's policy denies it by its digest. */

#include <stdio.h>

int main(void)
{
	return puts("a program with a known hole runs") < 0;
}
