/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of audit records: reads them as anybody with CAP_AUDIT_READ does,
 * and sets what audit is to do with them.
 *
 *	sock = records_listen();
 *	...
 *	record = records_next(sock, AUDIT_KRSI_ACCESS);
 *	EXPECT_HAS(record, " path=\"/tmp/x\"");
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <linux/audit.h>
#include <stdbool.h>
#include <sys/types.h>

/* For headers of a system without the patch. */
#ifndef AUDIT_KRSI_ACCESS
#define AUDIT_KRSI_ACCESS 1490
#define AUDIT_KRSI_POLICY 1491
#endif

/* All records from now on; a descriptor or -errno. */
int records_listen(void);
/* The next of this type, until the next call; "" if there is none within a minute. */
const char *records_next(int sock, int type);
/* How many of this type there were up to now; negative if that is not known. */
int records_count(int sock, int type);

/* Is this in it? Prints the record if not. */
bool record_has(const char *record, const char *text);
/* The same of a field's value as audit writes it in hexadecimal digits. */
bool record_has_hex(const char *record, const char *key, const char *value);
#define EXPECT_HAS(record, text) EXPECT_TRUE(record_has(record, text))

/* Audit's own limits; a record more is allowed at once than @backlog. 0 or -errno. */
int audit_limit_rate(unsigned int rate);
int audit_limit_backlog(unsigned int backlog);
/* Keeps records of this type from being written, or no more. 0 or -errno. */
int audit_exclude(int type, bool exclude);
/* What audit says that it has lost; negative if it doesn't say. */
long audit_lost(void);
/* The process that gets the records; 0 if there is none. */
pid_t audit_server(void);

#endif /* RECORDS_H */
