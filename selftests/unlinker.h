/* SPDX-License-Identifier: GPL-2.0 */
/* What unlinker.c, its ways over io_uring in uring.c, and the tests share. */
#ifndef UNLINKER_H
#define UNLINKER_H

/* Here it tells that it is ready, and finds out that it may go on. */
#define UNLINKER_NEWS 100
#define UNLINKER_LEASH 101

/* Unlink args[0] by io_uring, from a worker or from a polling thread; errno. */
int uring_unlink(char **args);
int uring_sqpoll(char **args);
/* Exchange args[0] and args[1] by a worker of io_uring; errno. */
int uring_exchange(char **args);

#endif /* UNLINKER_H */
