// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy usb_mount refuses what stands on a USB stick, whatever
 * the way to it, before anything is read from the stick. Each way is gone without
 * the policy first, so that it is known to lead there.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/blkpg.h>
#include <linux/btrfs.h>
#include <linux/loop.h>

#include "kselftest_harness.h"
#include "disk.h"
#include "shipped.h"
#include "stick.h"

KEEP_POLICIES("usb_mount.bpf.o", "usb_mount")

#define DIR "/tmp/krsi-usb"
#define TO DIR "/mnt"
#define EXT4 "mkfs.ext4 -q -F"
#define VFAT "mkfs.vfat -I"
#define ISO9660 "genisoimage -quiet -o " DIR "/iso /etc && cp " DIR "/iso"
#define BTRFS "mkfs.btrfs -q -f -M"

#ifndef FSMOUNT_NAMESPACE
#define FSMOUNT_NAMESPACE 2
#endif

/* What a way needs besides the stick's node, made before the policy is attached. */
static char extra[128];

static int by_mount(const char *dev, const char *type, unsigned long flags, const char *options)
{
	return stick_mount(dev, TO, type, flags, options);
}

static int ext4(const char *dev) { return by_mount(dev, "ext4", 0, NULL); }
static int ext4_ro(const char *dev) { return by_mount(dev, "ext4", MS_RDONLY, NULL); }
static int vfat(const char *dev) { return by_mount(dev, "vfat", 0, NULL); }
static int iso9660(const char *dev) { return by_mount(dev, "iso9660", MS_RDONLY, NULL); }
static int btrfs(const char *dev) { return by_mount(dev, "btrfs", 0, NULL); }

static int by_link(const char *dev)
{
	unlink(DIR "/link");
	return made(symlink(dev, DIR "/link")) ?: ext4(DIR "/link");
}

static int by_other_node(const char *dev)
{
	struct stat st;

	unlink(DIR "/node");
	return made(stat(dev, &st)) ?: made(mknod(DIR "/node", S_IFBLK | 0600, st.st_rdev)) ?:
	       ext4(DIR "/node");
}

static int set(int fs, const char *key, const char *value)
{
	return made(fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0));
}

static int by_fsopen(const char *dev, unsigned int flags)
{
	int fs = fsopen("ext4", FSOPEN_CLOEXEC), mnt = -1, ret;

	ret = set(fs, "source", dev) ?: made(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	if (!ret) {
		mnt = fsmount(fs, FSMOUNT_CLOEXEC | flags, 0);
		ret = mnt < 0 ? -errno : 0;
	}
	close(mnt);
	close(fs);
	return ret;
}

static int fsopen_mount(const char *dev) { return by_fsopen(dev, 0); }
static int fsopen_namespace(const char *dev) { return by_fsopen(dev, FSMOUNT_NAMESPACE); }

/* What the link leads to changes between the check of the string and the open. */
static int exchanged_link(const char *dev)
{
	int fs = fsopen("ext4", FSOPEN_CLOEXEC), ret;

	unlink(DIR "/link");
	symlink(extra, DIR "/link"); /* a loop device of local memory */
	ret = set(fs, "source", DIR "/link");
	unlink(DIR "/link");
	ret = ret ?: made(symlink(dev, DIR "/link")) ?:
	      made(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	close(fs);
	return ret;
}

static int mount_namespace(const char *dev)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNS) ? 99 : -ext4(dev));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int over_loop(const char *file, int (*way)(const char *dev))
{
	char loop[32];
	int ret = loop_on(file, loop, sizeof(loop)) ?: way(loop);

	loop_off(loop);
	return ret;
}

static int loop_on_device(const char *dev) { return over_loop(dev, ext4); }

/* The way of old, in two steps. */
static int loop_set_fd(const char *dev)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop, fd, ret;
	char name[32];

	snprintf(name, sizeof(name), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	close(control);
	loop = open(name, O_RDONLY | O_CLOEXEC);
	fd = open(dev, O_RDONLY | O_CLOEXEC);
	ret = made(ioctl(loop, LOOP_SET_FD, fd)) ?: ext4_ro(name);
	ioctl(loop, LOOP_CLR_FD);
	close(fd);
	close(loop);
	return ret;
}

/* A partition that no table names. */
static int added_partition(const char *dev)
{
	struct blkpg_partition part = { .start = 0, .length = 128 << 20, .pno = 1 };
	struct blkpg_ioctl_arg arg = { .op = BLKPG_DEL_PARTITION, .data = &part };
	int fd = open(dev, O_RDONLY | O_CLOEXEC), ret;
	char node[64];

	/* Not the one of the test before. */
	ioctl(fd, BLKPG, &arg);
	arg.op = BLKPG_ADD_PARTITION;
	snprintf(node, sizeof(node), "%s1", dev);
	ret = made(ioctl(fd, BLKPG, &arg)) ?: ext4(node);
	arg.op = BLKPG_DEL_PARTITION;
	ioctl(fd, BLKPG, &arg);
	close(fd);
	return ret;
}

static int over_linear(const char *dev, int (*way)(const char *dev))
{
	static int depth;
	char name[32], node[32];
	int ret;

	snprintf(name, sizeof(name), "krsi-usb%d", depth++);
	ret = linear_on(dev, name, node, sizeof(node)) ?: way(node);
	dm_off(name);
	depth--;
	return ret;
}

static int linear(const char *dev) { return over_linear(dev, ext4); }
static int loop_on_linear(const char *dev) { return over_linear(dev, loop_on_device); }
static int linear_on_loop(const char *dev) { return over_loop(dev, linear); }
static int linear_loop_linear(const char *dev) { return over_linear(dev, linear_on_loop); }

static int over_crypt(const char *dev, int (*way)(const char *dev))
{
	char node[32];
	int ret = crypt_on(dev, "krsi-crypt", node, sizeof(node)) ?: way(node);

	dm_off("krsi-crypt");
	return ret;
}

static int mkfs(const char *dev) { return shell(EXT4 " %s", dev); }
static int encrypt(const char *dev) { return over_crypt(dev, mkfs); }
static int encrypted(const char *dev) { return over_crypt(dev, ext4); }

/* The filesystem is in memory, and its mirror on the stick. */
static int mirror(const char *dev)
{
	int ret = mirror_on(extra, dev, 16 << 10) ?: ext4(MIRROR);

	mirror_off();
	return ret;
}

static int btrfs_device_option(const char *dev)
{
	char options[64];

	snprintf(options, sizeof(options), "device=%s", dev);
	return by_mount(extra, "btrfs", 0, options);
}

static int btrfs_control(unsigned long request, const char *dev)
{
	int control = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC), ret;
	struct btrfs_ioctl_vol_args args = {};

	snprintf(args.name, sizeof(args.name), "%s", dev);
	ret = made(ioctl(control, request, &args));
	close(control);
	return ret;
}

static int btrfs_scan(const char *dev) { return btrfs_control(BTRFS_IOC_SCAN_DEV, dev); }

/* An ordinary user, who may mount nothing: the option alone has btrfs read. */
static int btrfs_by_a_user(const char *dev)
{
	int status, fs, ret;
	pid_t pid = fork();

	if (!pid) {
		if (setgid(1000) || setuid(1000) || unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(99);
		fs = fsopen("btrfs", FSOPEN_CLOEXEC);
		ret = fs < 0 ? 98 : -set(fs, "device", dev);
		_exit(ret);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/*
 * The other half of a btrfs in memory, which the kernel is told of before the policy
 * comes: what is mounted is the half in memory.
 */

static int pair(const char *dev)
{
	return shell(BTRFS " -m raid1 -d raid1 %s %s", extra, dev) ?:
	       btrfs_control(BTRFS_IOC_FORGET_DEV, dev);
}

static int scanned(const char *dev) { return pair(dev) ?: btrfs_scan(dev); }
static int scanned_by_a_user(const char *dev) { return pair(dev) ?: btrfs_by_a_user(dev); }
static int btrfs_other_half(const char *dev) { return by_mount(extra, "btrfs", 0, NULL); }

static int external_journal(const char *dev) { return by_mount(extra, "ext4", 0, NULL); }

static int swap(const char *dev)
{
	int ret = made(swapon(dev, 0));

	swapoff(dev);
	return ret;
}

FIXTURE(usb)
{
	struct stick stick;
	struct shipped shipped;
	char node[64];
	char loop[32];
};

FIXTURE_VARIANT(usb)
{
	const char *stick; /* "direct" if none is said */
	const char *mkfs;
	const char *signal; /* "usb_mount" if none is said */
	int (*way)(const char *dev);
	int (*before)(const char *dev); /* what is done before the policy comes */
	int without; /* what it answers without the policy */
	int with; /* what with it: -EPERM if none is said */
	bool btrfs; /* is needed, and what is in memory as large as that wants */
	bool partition;
	bool local, journal; /* there is a filesystem in memory, too, its journal on the stick */
	bool copied; /* it is on the stick as well */
};

/* clang-format off */
#define WAY(name, ...) FIXTURE_VARIANT_ADD(usb, name) { .way = name, __VA_ARGS__ }
WAY(ext4, .mkfs = EXT4);
WAY(ext4_ro, .mkfs = EXT4);
WAY(vfat, .mkfs = VFAT);
WAY(iso9660, .mkfs = ISO9660);
WAY(btrfs, .btrfs = true, .mkfs = BTRFS);
FIXTURE_VARIANT_ADD(usb, partition) { .way = ext4, .mkfs = EXT4, .partition = true };
FIXTURE_VARIANT_ADD(usb, behind_hub) { .way = ext4, .mkfs = EXT4, .stick = "behind-hub" };
FIXTURE_VARIANT_ADD(usb, uas) { .way = ext4, .mkfs = EXT4, .stick = "uas" };
WAY(by_link, .mkfs = EXT4);
WAY(by_other_node, .mkfs = EXT4);
WAY(fsopen_mount, .mkfs = EXT4);
WAY(fsopen_namespace, .mkfs = EXT4);
WAY(exchanged_link, .mkfs = EXT4, .local = true);
WAY(mount_namespace, .mkfs = EXT4);
WAY(loop_on_device, .mkfs = EXT4);
WAY(loop_set_fd, .mkfs = EXT4);
WAY(added_partition, .mkfs = EXT4);
WAY(linear, .mkfs = EXT4);
WAY(loop_on_linear, .mkfs = EXT4);
WAY(linear_loop_linear, .mkfs = EXT4);
WAY(encrypted, .mkfs = EXT4, .before = encrypt);
WAY(mirror, .mkfs = EXT4, .local = true, .copied = true);
WAY(btrfs_device_option, .btrfs = true, .mkfs = BTRFS, .local = true, .without = -EINVAL);
WAY(btrfs_scan, .btrfs = true, .mkfs = BTRFS);
WAY(btrfs_by_a_user, .btrfs = true, .mkfs = BTRFS);
FIXTURE_VARIANT_ADD(usb, btrfs_scanned_before)
{
	.way = btrfs_other_half, .btrfs = true, .mkfs = EXT4, .local = true,
	.before = scanned, .with = -ENOENT,
};
FIXTURE_VARIANT_ADD(usb, btrfs_scanned_before_by_a_user)
{
	.way = btrfs_other_half, .btrfs = true, .mkfs = EXT4, .local = true,
	.before = scanned_by_a_user, .with = -ENOENT,
};
WAY(external_journal, .mkfs = EXT4 " -b 4096 -O journal_dev", .journal = true);
WAY(swap, .mkfs = "busybox mkswap", .signal = "usb_swap");
/* clang-format on */

FIXTURE_SETUP(usb)
{
	static const char *const dirs[] = { DIR, TO };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		ASSERT_TRUE(!mkdir(dirs[i], 0755) || errno == EEXIST);
	ASSERT_EQ(0, stick_find(&self->stick, variant->stick ?: "direct"));
	if (variant->btrfs)
		ASSERT_EQ(0, shell("modprobe btrfs"));
	snprintf(self->node, sizeof(self->node), "%s", self->stick.dev);
	/* Not the table of the test before. */
	ASSERT_EQ(0, shell("dd status=none if=/dev/zero of=%s bs=64k count=20", self->stick.dev));
	if (variant->partition) {
		ASSERT_EQ(0, stick_partition(&self->stick, self->node, sizeof(self->node)));
		ASSERT_EQ(0, shell("%s %s", variant->mkfs, self->node));
	} else {
		ASSERT_EQ(0, stick_format(&self->stick, variant->mkfs));
	}
	if (variant->local || variant->journal) {
		ASSERT_EQ(0, shell("truncate -s %dM " DIR "/local", variant->btrfs ? 128 : 16));
		ASSERT_EQ(0, variant->journal ?
			  shell(EXT4 " -b 4096 -J device=%s " DIR "/local", self->node) :
			  shell(EXT4 " " DIR "/local"));
		ASSERT_EQ(0, loop_on(DIR "/local", self->loop, sizeof(self->loop)));
		strcpy(extra, self->loop);
		if (variant->copied)
			ASSERT_EQ(0, shell("dd status=none if=" DIR "/local of=%s bs=1M", self->node));
	}
	if (variant->before)
		ASSERT_EQ(0, variant->before(self->node));
	ASSERT_EQ(0, stick_flush(&self->stick));
}

FIXTURE_TEARDOWN(usb)
{
	shipped_end(&self->shipped);
	umount(TO);
	if (self->loop[0])
		loop_off(self->loop);
	unlink(DIR "/local");
}

TEST_F(usb, is_refused_and_not_read)
{
	const char *signal = variant->signal ?: "usb_mount";
	long long before = stick_sectors(&self->stick);
	const struct krsi_report *report = self->shipped.report;
	struct policy_line line;
	char id[64];

	ASSERT_LE(0, before);
	ASSERT_EQ(variant->without, variant->way(self->node));
	EXPECT_LT(before, stick_sectors(&self->stick));
	ASSERT_EQ(0, stick_flush(&self->stick));
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	before = stick_sectors(&self->stick);
	EXPECT_EQ(variant->with ?: -EPERM, variant->way(self->node));
	/* What a loop device would write comes later. */
	ASSERT_EQ(0, stick_flush(&self->stick));
	EXPECT_EQ(before, stick_sectors(&self->stick));

	ASSERT_LE(1, shipped_reports(&self->shipped));
	snprintf(id, sizeof(id), "%04x:%04x %s", self->stick.id.vendor, self->stick.id.product,
		 self->stick.id.serial);
	EXPECT_STREQ(signal, report->signal);
	EXPECT_STREQ(id, report->value);
	EXPECT_EQ(strlen(id), report->value_len);
	EXPECT_NE(0, report->path[0]);
	ASSERT_EQ(0, policy_line("usb_mount", &line));
	EXPECT_LE(1, line.denials);
	EXPECT_EQ(0, line.errors);
}

TEST_HARNESS_MAIN
