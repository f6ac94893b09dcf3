// SPDX-License-Identifier: GPL-2.0
/*
 * The program that the tests execute when only the exec itself matters, so it has no C library
 * (nolibc). Its status is what stands behind the mark, so that a test can make others of it.
 */

static const volatile char status[] = "krsi_exit_status=\0";

int main(void)
{
	return status[sizeof(status) - 2];
}
