// SPDX-License-Identifier: GPL-2.0
/* A policy that calls a kfunc of a module. */
#include "krsi.bpf.h"

extern int krsi_foreign_kfunc(void) __ksym;

SEC("struct_ops/process_exec")
int BPF_PROG(foreign_exec, struct krsi_exec *exec)
{
	return krsi_foreign_kfunc();
}

KRSI_POLICY(foreign, .process_exec = (void *)foreign_exec);
