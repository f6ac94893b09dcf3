// SPDX-License-Identifier: GPL-2.0
/* Unlinks by io_uring, for unlinker.c. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/io_uring.h>

#include "unlinker.h"

struct ring {
	int fd;
	struct io_uring_params params;
	void *submitted, *completed;
	struct io_uring_sqe *sqe;
};

static void *ring_map(int fd, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

static int ring_open(struct ring *ring, unsigned int flags)
{
	struct io_uring_params *p = &ring->params;

	p->flags = flags;
	p->sq_thread_idle = 1000;
	ring->fd = syscall(SYS_io_uring_setup, 1, p);
	if (ring->fd < 0)
		return errno;
	ring->submitted = ring_map(ring->fd, p->sq_off.array + p->sq_entries * sizeof(__u32),
				   IORING_OFF_SQ_RING);
	ring->completed = ring_map(ring->fd, p->cq_off.cqes +
				   p->cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	ring->sqe = ring_map(ring->fd, p->sq_entries * sizeof(struct io_uring_sqe),
			     IORING_OFF_SQES);
	if (ring->submitted == MAP_FAILED || ring->completed == MAP_FAILED ||
	    ring->sqe == MAP_FAILED)
		return errno;
	return 0;
}

static int ring_do(struct ring *ring)
{
	__u32 *array = ring->submitted + ring->params.sq_off.array;
	__u32 *tail = ring->submitted + ring->params.sq_off.tail;
	struct io_uring_cqe *cqe = ring->completed + ring->params.cq_off.cqes;

	array[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1,
		    IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL, 0) < 0)
		return errno;
	return -cqe->res;
}

static int do_one(unsigned int flags, const struct io_uring_sqe *sqe)
{
	struct ring ring = {};
	int ret = ring_open(&ring, flags);

	if (ret)
		return ret;
	*ring.sqe = *sqe;
	return ring_do(&ring);
}

static int unlink_by(unsigned int flags, const char *path)
{
	return do_one(flags, &(struct io_uring_sqe){
		.opcode = IORING_OP_UNLINKAT,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)path,
	});
}

int uring_unlink(char **args)
{
	return unlink_by(0, args[0]);
}

int uring_exchange(char **args)
{
	return do_one(0, &(struct io_uring_sqe){
		.opcode = IORING_OP_RENAMEAT,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)args[0],
		.len = AT_FDCWD,
		.off = (uintptr_t)args[1],
		.rename_flags = RENAME_EXCHANGE,
	});
}

int uring_sqpoll(char **args)
{
	return unlink_by(IORING_SETUP_SQPOLL, args[0]);
}
