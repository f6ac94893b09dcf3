// SPDX-License-Identifier: GPL-2.0
/*
 * hook-cost: attaches one thing at a time, a policy of measured.bpf.o or a shipped one, and
 * its twin of BPF LSM, does something many times with it attached (executes `true`, unlinks
 * a file), and prints what the LSM framework's functions took above the same with nothing
 * attached. Run in the guest by `make bench`, in this directory.
 *
 *	hook-cost [-n] [ROW]...
 *
 * -n: only what is measured in whole, to compare it with a kernel that has no KRSI.
 * ROW: only this row, or, as in `exec.policies`, all that begin so. A row is a line:
 *
 *	bench <tab> ROW <tab> KRSI <tab> BPF LSM <tab> words for people
 *	whole <tab> ROW <tab> with nothing attached <tab> words for people
 */
#include <string.h>

#include "measure.h"

int main(int argc, char **argv)
{
	bool nothing = argc > 1 && !strcmp(argv[1], "-n");

	measure_init(argv + (nothing ? 2 : 1));
	exec_costs(nothing);
	contents_costs(nothing);
	mount_costs(nothing);
	if (!nothing) {
		environment_costs();
		event_costs();
		module_costs();
	}
	/* The last: it leaves many files and processes. */
	unlink_costs(nothing);
	return 0;
}
