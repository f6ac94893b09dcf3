// SPDX-License-Identifier: GPL-2.0
/* Audit records and audit's limits, for tests: see records.h. */

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common.h"
#include "records.h"

static union {
	struct nlmsghdr header;
	char bytes[16384];
} message;

static int audit_socket(__u32 groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	struct timeval patience = { .tv_sec = 60 };
	int room = 1 << 24;
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(sock, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return sock;
}

/* The next message's type; negative if there is none or some were lost. */
static int receive(int sock)
{
	ssize_t len = recv(sock, &message, sizeof(message) - 1, 0);

	if (len < (ssize_t)NLMSG_HDRLEN)
		return len < 0 ? -errno : -EIO;
	message.bytes[len] = '\0';
	return message.header.nlmsg_type;
}

const char *records_next(int sock, int type)
{
	int got;

	do {
		got = receive(sock);
		if (got < 0) {
			fprintf(stderr, "# no record of type %d: %s\n", type, strerror(-got));
			return "";
		}
	} while (got != type);
	return NLMSG_DATA(&message.header);
}

bool record_has(const char *record, const char *text)
{
	bool has = strstr(record, text);

	if (!has)
		fprintf(stderr, "# no '%s' in the record: %s\n", text, record);
	return has;
}

bool record_has_hex(const char *record, const char *key, const char *value)
{
	char field[1024];
	int len = snprintf(field, sizeof(field), " %s=", key);

	for (; *value && len < (int)sizeof(field) - 4; value++)
		len += sprintf(field + len, "%02X", (unsigned char)*value);
	return record_has(record, strcat(field, " "));
}

/* Asks the kernel; answers with the reply of @reply, or of the acknowledgement. */
static int ask(int type, int reply, const void *data, size_t size)
{
	struct {
		struct nlmsghdr header;
		char data[sizeof(struct audit_rule_data) + sizeof(struct audit_status)];
	} request = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(size),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
	};
	int sock = audit_socket(0);
	int got;

	if (sock < 0)
		return sock;
	memcpy(request.data, data, size);
	got = send(sock, &request, request.header.nlmsg_len, 0) < 0 ? -errno : 0;
	while (got >= 0 && (got = receive(sock)) >= 0) {
		struct nlmsgerr *error = NLMSG_DATA(&message.header);

		if (got == NLMSG_ERROR && (error->error || reply == NLMSG_ERROR)) {
			got = error->error;
			break;
		}
		if (got == reply)
			break;
	}
	close(sock);
	return got;
}

/*
 * Writes a record that no other is like, and reads up to it: audit keeps their order.
 * Nobody's limit but the rate's applies to it.
 */
int records_count(int sock, int type)
{
	static unsigned int marks;
	char mark[64];
	int got, n = 0;

	sprintf(mark, "krsi-mark-%d-%u-", getpid(), ++marks);
	got = ask(AUDIT_USER_AVC, NLMSG_ERROR, mark, strlen(mark) + 1);
	if (got)
		return got;
	while ((got = receive(sock)) >= 0) {
		n += got == type;
		if (got == AUDIT_USER_AVC && strstr(NLMSG_DATA(&message.header), mark))
			return n;
	}
	return got;
}

int records_listen(void)
{
	int sock = audit_socket(1 << (AUDIT_NLGRP_READLOG - 1));
	/* What was written before comes a moment later. */
	int old = sock < 0 ? sock : records_count(sock, 0);

	return old < 0 ? old : sock;
}

int audit_limit_rate(unsigned int rate)
{
	struct audit_status status = { .mask = AUDIT_STATUS_RATE_LIMIT, .rate_limit = rate };

	return ask(AUDIT_SET, NLMSG_ERROR, &status, sizeof(status));
}

int audit_limit_backlog(unsigned int backlog)
{
	struct audit_status status = {
		.mask = AUDIT_STATUS_BACKLOG_LIMIT, .backlog_limit = backlog
	};

	return ask(AUDIT_SET, NLMSG_ERROR, &status, sizeof(status));
}

int audit_exclude(int type, bool exclude)
{
	struct audit_rule_data rule = {
		.flags = AUDIT_FILTER_EXCLUDE,
		.action = AUDIT_NEVER,
		.field_count = 1,
		.fields = { AUDIT_MSGTYPE },
		.values = { type },
		.fieldflags = { AUDIT_EQUAL },
	};

	return ask(exclude ? AUDIT_ADD_RULE : AUDIT_DEL_RULE, NLMSG_ERROR, &rule, sizeof(rule));
}

static int get(struct audit_status *status)
{
	int ret = ask(AUDIT_GET, AUDIT_GET, status, 0);

	if (ret < 0)
		return ret;
	memcpy(status, NLMSG_DATA(&message.header), sizeof(*status));
	return 0;
}

long audit_lost(void)
{
	struct audit_status status = {};

	return get(&status) ?: (long)status.lost;
}

pid_t audit_server(void)
{
	struct audit_status status = {};

	return get(&status) ?: (pid_t)status.pid;
}
