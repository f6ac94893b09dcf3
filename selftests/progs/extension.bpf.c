// SPDX-License-Identifier: GPL-2.0
/* What would replace the subprogram of progs/replaceable.bpf.c. */
#include "krsi.bpf.h"

SEC("freplace/replaceable")
int replacement(int value)
{
	return -1;
}
