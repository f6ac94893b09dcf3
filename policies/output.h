/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * How krsi-watch writes: whole lines, and none of them at any price. Whatever becomes of
 * the standard output, a reader that ended or stands still, a full disk, what was lost is
 * counted and said on the standard error, and the policy stays attached until krsi-watch
 * is told to end.
 */
#ifndef _KRSI_OUTPUT_H
#define _KRSI_OUTPUT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

/* How long to wait for anything before looking whether it is time to end. */
#define WAIT_MS 100

static volatile sig_atomic_t stop;
/* When to end, by boot_ns(); 0: when it is interrupted. */
static __u64 end;

/* The clock of the reports: nobody sets it, and it goes on in suspend. */
static __u64 boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static bool is_over(void)
{
	return stop || (end && boot_ns() >= end);
}

static void on_signal(int sig)
{
	stop = 1;
}

/* Before anything is opened and attached. */
static void output_begin(void)
{
	/* No SA_RESTART: a write that waits ends, too. */
	const struct sigaction to_end = { .sa_handler = on_signal };
	int fd;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigaction(SIGINT, &to_end, NULL);
	sigaction(SIGTERM, &to_end, NULL);
	/* What was closed must not become another file of ours; writing to it still fails. */
	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

/* Says something on the standard error, if that does not mean to wait. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };
	va_list args;

	if (poll(&err, 1, 0) <= 0)
		return;
	va_start(args, format);
	vdprintf(STDERR_FILENO, format, args);
	va_end(args);
}

/* The line that is being made; it has room for the longest report, all of it escaped. */
static struct {
	char text[4096];
	size_t size;
} line;

__attribute__((format(printf, 1, 2))) static void line_add(const char *format, ...)
{
	/* Room for the end of the line. */
	size_t room = sizeof(line.text) - 1 - line.size;
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line.text + line.size, room, format, args);
	va_end(args);
	if (size > 0)
		line.size += (size_t)size < room ? (size_t)size : room - 1;
}

static void line_add_escaped(const char *key, const char *bytes, size_t size)
{
	line_add(" %s=", key);
	for (size_t i = 0; i < size && bytes[i]; i++) {
		unsigned char c = bytes[i];

		if (c > ' ' && c < 0x7f && c != '\\')
			line_add("%c", c);
		else
			line_add("\\%03o", c);
	}
}

/* False, with errno, if not all of it was written. */
static bool write_all(const char *text, size_t size, size_t *written)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	for (*written = 0; *written < size;) {
		int ready = poll(&out, 1, is_over() ? 0 : WAIT_MS);
		ssize_t n = -1;

		if (ready > 0)
			n = write(STDOUT_FILENO, text + *written, size - *written);
		else if (!ready)
			errno = EAGAIN;
		if (n >= 0)
			*written += n;
		else if ((errno != EAGAIN && errno != EINTR) || is_over())
			return false;
	}
	return true;
}

static struct {
	bool failed; /* the last line was lost */
	bool torn; /* the last one that was written at all is not whole */
	unsigned long long lost;
} output;

/* Writes the line; false if it is lost. */
static bool line_write(void)
{
	size_t size = line.size, written;
	bool ok = true;

	line.text[size++] = '\n';
	line.size = 0;
	if (output.torn) {
		ok = write_all("\n", 1, &written);
		output.torn = !ok;
	}
	if (ok) {
		ok = write_all(line.text, size, &written);
		output.torn = !ok && written;
	}
	output.lost += !ok;
	if (!ok && !output.failed)
		say("krsi-watch: writing: %s; lines are lost, and the policy stays attached\n",
		    strerror(errno));
	if (ok && output.failed)
		say("krsi-watch: writing again; lines lost: %llu\n", output.lost);
	output.failed = !ok;
	return ok;
}

/* False if a line was lost. */
static bool output_end(void)
{
	if (output.lost)
		say("krsi-watch: lines lost: %llu\n", output.lost);
	/* Some filesystems tell only now. */
	if (!close(STDOUT_FILENO) || output.lost)
		return !output.lost;
	say("krsi-watch: closing the output: %s; lines may be lost\n", strerror(errno));
	return false;
}

#endif /* _KRSI_OUTPUT_H */
