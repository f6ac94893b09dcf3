/* SPDX-License-Identifier: GPL-2.0 */
/* What the program "preloaded" ends with if it was started with LD_PRELOAD. */
#ifndef PRELOADED_H
#define PRELOADED_H

#define PRELOADED 77

#endif /* PRELOADED_H */
