/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The kfuncs of KRSI, each once. Who includes this says what becomes of a line:
 * krsi.bpf.h declares it to policies, krsi_btf.c defines it and gives it a BTF
 * id, and rust-lsm/kernel/bindings.h declares the function that answers it, in
 * rust-lsm/bpf/thunks.rs.
 *
 *	KRSI_READER(name, (parameters), (their names))
 *		reads an exec's strings: krsi_NAME() on the context of process_exec,
 *		and krsi_bprm_NAME() for programs of type BPF_PROG_TYPE_LSM
 *	KRSI_KFUNC(GROUP, context, name, (parameters), (their names))
 *		krsi_NAME() on this context, or on the header of all. KRSI_KFUNCS_GROUP
 *		of bindings.h says what is prepared for it, and policy/admission.rs in
 *		which ops it may be called
 *	KRSI_FACT(GROUP, context, name)
 *		the same without parameters
 */

#define KRSI_UNWRAP(...) __VA_ARGS__

/*
 * Readers of the arguments and the environment, for programs of process_exec.
 * None faults and none sleeps. A name is given with its NUL, at most
 * KRSI_ENV_NAME_SIZE bytes; names and buffers must be memory that the program could
 * write to: the stack, a map value, a ring buffer record.
 *
 * Which results make the run of a program an error of its policy, counted in "errors"
 * and denied under KRSI_FAIL_CLOSED: -EFAULT, -ENOMEM (the pages could not be made
 * available) and -ENODATA (nothing was prepared). -ENOENT, -EINVAL and a value that
 * was cut are answers. -ENOENT alone says that something is not set.
 *
 * BPF LSM programs get the same results at the hooks bprm_creds_for_exec,
 * bprm_check_security and bprm_creds_from_file, with "krsi" before "bpf" in lsm=. No
 * policy is there whose errors could be counted.
 */

/**
 * krsi_get_env_var() - value of the first definition of a variable
 * @exec: the context
 * @name: its name
 * @name__sz: size of @name
 * @buf: for the value; at most @buf__sz - 1 bytes and a NUL are copied
 * @buf__sz: size of @buf
 *
 * Return: the length of the whole value, so a result >= @buf__sz means that it was
 * cut; -ENOENT if it is not set, -EINVAL for a name that is empty, has a '=' or no
 * NUL; or an error as above.
 */
KRSI_READER(get_env_var, (const char *name, __u32 name__sz, char *buf, __u32 buf__sz),
	    (name, name__sz, buf, buf__sz))

/**
 * krsi_find_env_var() - where the value of the n-th definition of a variable begins
 * @exec: the context
 * @name: its name
 * @name__sz: size of @name
 * @n: which definition, from 0
 *
 * Return: an offset for krsi_get_env_vars(); -ENOENT if there are fewer, -EINVAL for a
 * wrong name; or an error as above.
 */
KRSI_READER(find_env_var, (const char *name, __u32 name__sz, __u32 n), (name, name__sz, n))

/**
 * krsi_count_env_var() - how often a variable is defined
 * @exec: the context
 * @name: its name
 * @name__sz: size of @name
 *
 * Return: the number: 0 if it is not set, and more than 1 is suspicious by itself;
 * -EINVAL for a wrong name; or an error as above.
 */
KRSI_READER(count_env_var, (const char *name, __u32 name__sz), (name, name__sz))

/**
 * krsi_get_env_vars() - the block of all environment strings from an offset on
 * @exec: the context
 * @off: offset in the block of strings, each with its NUL
 * @buf: for the bytes as they are, to which no NUL is added
 * @buf__sz: size of @buf
 *
 * Return: the number of bytes from @off to the end, of which as many as fit are
 * copied: 0 at the end, -EINVAL beyond it; or an error as above.
 */
KRSI_READER(get_env_vars, (__u32 off, char *buf, __u32 buf__sz), (off, buf, buf__sz))

/**
 * krsi_get_arg() - an argument of this round
 * @exec: the context
 * @n: which, from 0
 * @buf: for the string; at most @buf__sz - 1 bytes and a NUL are copied
 * @buf__sz: size of @buf
 *
 * Return: the length of the whole string; -ENOENT if there are fewer; or an error as
 * above.
 */
KRSI_READER(get_arg, (__u32 n, char *buf, __u32 buf__sz), (n, buf, buf__sz))

/**
 * krsi_get_args() - the block of all arguments of this round from an offset on
 * @exec: the context
 * @off: offset in the block of strings, each with its NUL
 * @buf: for the bytes as they are, to which no NUL is added
 * @buf__sz: size of @buf
 *
 * Return: as krsi_get_env_vars().
 */
KRSI_READER(get_args, (__u32 off, char *buf, __u32 buf__sz), (off, buf, buf__sz))

/* Facts of process_exec that cost. */

/**
 * krsi_get_exec_facts() - what is true of the file that is about to be executed
 * @exec: the context
 * @facts: those that are asked for, of KRSI_EXEC_WRITABLE, KRSI_EXEC_OVERLAY_UPPER,
 *	KRSI_EXEC_DETACHED, KRSI_EXEC_ELSEWHERE, KRSI_EXEC_MOUNT_ROOT, KRSI_EXEC_USER_MOUNT
 *
 * What is not asked for is not looked for. Since KRSI_ABI 3.
 *
 * Return: those of @facts that hold; -EINVAL if there are others in it.
 */
KRSI_KFUNC(FACTS, krsi_exec, get_exec_facts, (__u32 facts), (facts))

/**
 * krsi_is_privileged() - whether the file carries set-id bits or file capabilities
 * @exec: the context
 *
 * As KRSI_EXEC_PRIVILEGED says it, in effect or not. Since KRSI_ABI 3.
 *
 * Return: 1 if it does, 0 if not.
 */
KRSI_FACT(PRIVILEGED, krsi_exec, is_privileged)

/**
 * krsi_get_name_now() - where the name leads by which the file was opened
 * @exec: the context
 *
 * It is looked up only if the file has lost it. If it leads nowhere, and executable_unlink is
 * attached, the name counts by which the file was started last. Since KRSI_ABI 3.
 *
 * Return: KRSI_NAME_*.
 */
KRSI_FACT(NAME, krsi_exec, get_name_now)

/* For every event in a task, so not for those of modules, which a worker tells of. */

/**
 * krsi_get_file_path() - path of the event's file
 * @event: the header of the context
 * @buf: for the path, as d_path() gives it, with a NUL; behind "(unreachable)" if the
 *	task's root does not lead to it
 * @buf__sz: size of @buf
 *
 * A path is never cut. On an error @buf is an empty string, if it has any size.
 *
 * Return: the length without the NUL; -ENAMETOOLONG if path and NUL do not fit;
 * -ENODATA for a removal whose mount is not known, as of nfsd, ksmbd and kernel
 * threads, and for an event that has no file. These are answers: none makes the run an
 * error.
 */
KRSI_KFUNC(PATH, krsi_event, get_file_path, (char *buf, __u32 buf__sz), (buf, buf__sz))

/**
 * krsi_get_file_id() - which file the event is about
 * @event: the header of the context
 * @out: for a struct krsi_file_id
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * Return: 0; -ENODATA for an event that has no file: of module_load from memory, of
 * module_request.
 */
KRSI_KFUNC(EVENT, krsi_event, get_file_id, (void *out, __u32 out__sz), (out, out__sz))

/**
 * krsi_get_task_id() - who does it: the current task
 * @event: the header of the context
 * @out: for a struct krsi_task_id
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * Return: 0.
 */
KRSI_KFUNC(EVENT, krsi_event, get_task_id, (void *out, __u32 out__sz), (out, out__sz))

/**
 * krsi_is_below() - whether the event's file lies below a directory of its filesystem
 * @event: the header of the context
 * @dir: a struct krsi_file_id; @dev, @ino and @generation count, of the real directory or
 *	of the overlay's
 * @dir__sz: size of @dir
 *
 * It goes by what the filesystem holds, whatever it is mounted on and the task calls its
 * root. At most 256 directories are looked at. Since KRSI_ABI 3.
 *
 * Return: 1 or 0; -E2BIG if there are too many directories to tell, or their names are
 * changed all the while; -EINVAL if @dir is too small; -ENODATA for an event that has no
 * file.
 */
KRSI_KFUNC(EVENT, krsi_event, is_below, (const void *dir, __u32 dir__sz), (dir, dir__sz))

/**
 * krsi_set_reason() - why the running program denies, for the audit record
 * @event: the header of the context
 * @text: a word or two, up to its NUL or its end: a constant of the policy or what it
 *	found; must be memory that the program could write to
 * @text__sz: size of @text
 *
 * The last call of a run counts, and only if the program then denies. At most
 * KRSI_REASON_SIZE - 1 bytes are kept. Only in ops that can deny. Since KRSI_ABI 3.
 *
 * Return: how many bytes were kept.
 */
KRSI_KFUNC(REASON, krsi_event, set_reason, (const char *text, __u32 text__sz), (text, text__sz))

/* For programs of mount. */

/**
 * krsi_get_usb_id() - the USB device below a mount
 * @mount: the context
 * @out: for a struct krsi_usb_id
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * Since KRSI_ABI 3.
 *
 * Return: 0; -ENODATA if there is none, -E2BIG if there are several, so that none
 * speaks for the others. Both are answers: neither makes the run an error.
 */
KRSI_KFUNC(MOUNT, krsi_mount, get_usb_id, (void *out, __u32 out__sz), (out, out__sz))

/*
 * The contents of a file, for programs of process_exec and file_map_exec; since
 * KRSI_ABI 3. In an overlay they are those of the layer's file.
 */

/**
 * krsi_get_file_digest() - SHA-256 of the contents of the event's file
 * @event: the header of the context
 * @out: for a struct krsi_digest
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * The file is read before the programs run, if its digest is not known: it is kept until
 * somebody opens the file for writing or changes its size. It is the digest of contents
 * that held still: nobody could write to the file from the first byte that was read to
 * the last, but by a direct read of NFS, 9p or Ceph into a mapping of it that began before:
 * they hold its pages without pinning them. At KRSI_MAP_MPROTECT nothing can be read, so
 * only a digest that is kept is known.
 *
 * Return: the digest's size; -ENODATA for what is no regular file; -EOPNOTSUPP for what
 * never holds still: a memfd without the seals F_SEAL_WRITE, F_SEAL_SHRINK and
 * F_SEAL_GROW, System V shared memory, and files of filesystems that others change or
 * may (network, FUSE); -EBUSY for what does not at this moment: somebody has it open for
 * writing, or its pages pinned; -EAGAIN where it can't be read now. These are answers. -ENOMEM,
 * -EIO and other errors of reading make the run an error; -EINTR does not, for the
 * task is being killed.
 */
KRSI_KFUNC(DIGEST, krsi_event, get_file_digest, (void *out, __u32 out__sz), (out, out__sz))

/**
 * krsi_get_memfd_digest() - the same of a memfd alone, for programs of process_exec
 * @event: the header of the context
 * @out: for a struct krsi_digest
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * For a policy that only asks which program a memfd is a copy of: no other file is read
 * for it.
 *
 * Return: as krsi_get_file_digest(), and -ENODATA for what is no memfd.
 */
KRSI_KFUNC(MEMFD, krsi_event, get_memfd_digest, (void *out, __u32 out__sz), (out, out__sz))

/**
 * krsi_get_file_verity() - the fs-verity digest of the event's file
 * @event: the header of the context
 * @out: for a struct krsi_digest
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * Return: the digest's size; -ENODATA if the file has no fs-verity, which is an answer.
 */
KRSI_KFUNC(MARKS, krsi_event, get_file_verity, (void *out, __u32 out__sz), (out, out__sz))

/**
 * krsi_get_file_build_id() - the build id in the ELF notes of the event's file
 * @event: the header of the context
 * @buf: for the id; what is behind it is zeroed
 * @buf__sz: size of @buf; KRSI_BUILD_ID_SIZE holds every id
 *
 * It is what the file says of itself at this moment: who can write to the file can change
 * it, and nothing is said about the rest of the contents.
 *
 * Return: the id's length, of which as much as fits is copied; -ENODATA if there is none,
 * -EAGAIN where the file can't be read now and that part of it is not in memory. Both are
 * answers.
 */
KRSI_KFUNC(MARKS, krsi_event, get_file_build_id, (__u8 *buf, __u32 buf__sz), (buf, buf__sz))

/* For module_load. */

/**
 * krsi_get_module_digest() - digest of the module that is being loaded
 * @load: the context
 * @buf: for the digest
 * @buf__sz: size of @buf, at least KRSI_DIGEST_SIZE
 *
 * It is the SHA-256 of all of what will be loaded, uncompressed, with the signature that may
 * be appended: what sha256sum says of the file before it is compressed. Since KRSI_ABI 3.
 *
 * Return: 0; -EINVAL if @buf is too small; -ENODATA if it was not prepared, which makes
 * the run an error.
 */
KRSI_KFUNC(MODULE_DIGEST, krsi_module_load, get_module_digest, (void *buf, __u32 buf__sz),
	   (buf, buf__sz))

/**
 * krsi_get_module_info() - a value of the module's .modinfo
 * @load: the context
 * @key: its key, such as "version" or "srcversion", with a NUL; at most
 *	KRSI_ENV_NAME_SIZE bytes
 * @key__sz: size of @key
 * @buf: for the value; at most @buf__sz - 1 bytes and a NUL are copied
 * @buf__sz: size of @buf
 *
 * Of a key that is there more than once it is the first value. Since KRSI_ABI 3.
 *
 * Return: the length of the whole value, so a result >= @buf__sz means that it was
 * cut; -ENOENT if there is none, -EINVAL for a key that is empty, has a '=' or no NUL,
 * -EBADMSG under KRSI_MODULE_MALFORMED.
 */
KRSI_KFUNC(MODULE_INFO, krsi_module_load, get_module_info,
	   (const char *key, __u32 key__sz, char *buf, __u32 buf__sz),
	   (key, key__sz, buf, buf__sz))

#undef KRSI_UNWRAP
#undef KRSI_READER
#undef KRSI_KFUNC
#undef KRSI_FACT
