// SPDX-License-Identifier: GPL-2.0
/*
 * narrow FILE: a 32-bit program without an interpreter, as a 32-bit ld.so is
 * when it is asked to run FILE: maps it executable, then removes it. Needs no
 * library. Exits with 0, or with the errno of what failed.
 */

#include <asm/fcntl.h>
#include <asm/unistd_32.h>
#include <linux/mman.h>

static long call(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	/* mmap2() has a sixth argument in ebp: its offset, which is 0 here. */
	__asm__ volatile("push %%ebp; xor %%ebp, %%ebp; int $0x80; pop %%ebp"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return ret;
}

__attribute__((noreturn)) static void leave(long ret)
{
	for (;;)
		call(__NR_exit, -ret, 0, 0, 0, 0);
}

static long check(long ret)
{
	if (ret < 0 && ret > -4096)
		leave(ret);
	return ret;
}

/* The stack as an exec leaves it: argc, argv[0], argv[1]. */
__attribute__((noreturn, used)) static void narrow(long *stack)
{
	long fd = check(call(__NR_open, stack[2], O_RDONLY, 0, 0, 0));

	check(call(__NR_mmap2, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd));
	leave(check(call(__NR_unlink, stack[2], 0, 0, 0, 0)));
}

__asm__(".globl _start; _start: mov %esp, %eax; push %eax; push %eax; call narrow");
