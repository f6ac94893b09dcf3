// SPDX-License-Identifier: GPL-2.0
/*
 * hook-cost: attaches one thing at a time, a policy of measured.bpf.o or a shipped one,
 * does something many times with it attached (executes `true`, unlinks a file), and
 * prints what the LSM framework's functions took, and how much of it is above the same
 * with nothing attached. Run in the guest by `make bench`, in this directory.
 *
 *	hook-cost [-n] [exec|env|unlink|contents|mount|module]...
 *
 * -n: only with nothing attached, to compare it with a kernel that has no KRSI.
 */
#include <stdbool.h>
#include <string.h>

#include "measure.h"

static const struct {
	const char *name;
	void (*costs)(int nothing);
} kinds[] = {
	{ "exec", exec_costs },
	{ "env", env_costs },
	{ "unlink", unlink_costs },
	{ "contents", contents_costs },
	{ "mount", mount_costs },
	{ "module", module_costs },
};

int main(int argc, char **argv)
{
	bool nothing = argc > 1 && !strcmp(argv[1], "-n");
	int first = nothing ? 2 : 1;

	measure_init();
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		bool wanted = first >= argc;

		for (int i = first; i < argc; i++)
			wanted |= !strcmp(argv[i], kinds[kind].name);
		if (wanted)
			kinds[kind].costs(nothing);
	}
	return 0;
}
