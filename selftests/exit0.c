// SPDX-License-Identifier: GPL-2.0
/* The program that the tests execute when only the exec itself matters. */

int main(void)
{
	return 0;
}
