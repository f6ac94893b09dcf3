#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Boots a kernel with the guest's image in QEMU, runs one command in it, and
says whether all went well; run in the build root by test.sh, demo.sh, shell.sh,
server.sh. In place of the image a disk can be booted (qemu/server/run is its end).

The command's output comes over a virtio console and is passed on as it comes.
The kernel's log has a serial port to itself and is read whole at the end.
What can go wrong is a `Failure` with a kind: see `Run.supervise` and klog.py.
"""

import argparse
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import disks
import klog
import ktap
import results

MARKER = re.compile(r"^krsi-guest: exit (\d+) tainted (\d+)$", re.MULTILINE)
# Failures that end a guest before it powers off.
ENDINGS = {"timeout", "hang", "panic", "qemu"}
# x86's COMMAND_LINE_SIZE.
LONGEST_CMDLINE = 2047


@dataclass
class Failure:
    """Why a run failed: a kind to test for, and text for a person."""

    kind: str
    text: str


@dataclass
class Guest:
    """What to boot and for how long."""

    build: Path
    image: Path | None
    log: Path
    command: list[str]
    memory: str = "2G"
    timeout: float = 600
    silence: float = 120
    append: str = ""
    data: Path | None = None
    quiet: bool = False
    # Disks, which stay as they are: what is written to them is lost. The first is the root, without an image.
    disks: list[Path] = field(default_factory=list)
    # Where the images of disks are that are for tests of mounts; there are none without.
    disk_dir: Path | None = None
    # One processor whose clock counts instructions, one a nanosecond: the same in each run.
    counting: bool = False
    # A plugin of QEMU, with its options.
    plugin: str = ""

    def cmdline(self, *more: str) -> str:
        run = "".join(urllib.parse.quote(word, safe="/") + "," for word in self.command)
        line = " ".join(filter(None, [
            # The log: all of it, at once, and no limit on what a test writes to it.
            "console=ttyS0 log_buf_len=16M printk.devkmsg=on kasan_multi_shot",
            # A panic ends QEMU (-no-reboot).
            "panic=-1",
            # What systemd says is for its journal.
            "rdinit=/init" if self.image else "root=/dev/vda rootfstype=ext4 rw systemd.show_status=no",
            "norandmaps nokaslr random.trust_cpu=off" if self.counting else "",
            self.append, *more, f"krsi.run={run}"]))
        if len(line) > LONGEST_CMDLINE:
            sys.exit("krsi: error: the guest's command is too long for a kernel command line")
        return line

    def qemu(self, *more: str) -> list[str]:
        if self.counting:
            machine = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1",
                       "-cpu", "max,-rdrand,-rdseed", "-rtc", "base=2026-01-01,clock=vm"]
        elif os.environ.get("KRSI_KVM") == "1":
            machine = ["-accel", "kvm", "-cpu", "host", "-smp", "2"]
        else:
            # Four levels of page tables: with five, a timer tick while 7.3 identifies its boot
            # processor finds the feature unset, and KASAN takes the kernel's memory for wild.
            machine = ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-smp", "2"]
        argv = ["qemu-system-x86_64", *machine, *(["-plugin", self.plugin] if self.plugin else []), "-m", self.memory,
                "-no-reboot", "-nodefaults", "-display", "none",
                "-kernel", str(self.build / "arch/x86/boot/bzImage"),
                *(["-initrd", str(self.image)] if self.image else []),
                "-append", self.cmdline(*more),
                "-serial", f"file:{self.log}",
                "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                "-chardev", "stdio,id=console,mux=off,signal=off", "-device", "virtconsole,chardev=console"]
        if self.data:
            argv += ["-chardev", f"file,id=data,path={self.data}",
                     "-device", "virtserialport,chardev=data,name=krsi.data"]
        # Before others, so that the first is /dev/vda.
        for number, disk in enumerate(self.disks):
            argv += ["-drive", f"if=none,id=own-{number},format=raw,snapshot=on,cache=unsafe,file={disk}",
                     "-device", f"virtio-blk-pci,drive=own-{number}"]
        if self.disk_dir:
            argv += disks.argv(self.disk_dir, self.memory)
        return argv

    def environment(self) -> dict[str, str]:
        """QEMU keeps what is written to the disks where the log is: elsewhere may be too little room."""
        return {**os.environ, "TMPDIR": str(self.log.parent.absolute())}


@dataclass
class Run:
    """One boot, from QEMU's start to its end, and what is known of it then."""

    guest: Guest
    output: str = ""
    log: str = ""
    status: int | None = None
    failures: list[Failure] = field(default_factory=list)

    def fail(self, kind: str, text: str) -> None:
        self.failures.append(Failure(kind, text))

    def stopped(self, kind: str, text: str) -> None:
        """A failure that only the end of the log can explain."""
        tail = self.guest.log.read_text(errors="replace").splitlines()[-15:]
        self.fail(kind, text + "; the kernel's last words:\n" + "\n".join("    " + line for line in tail))

    def kinds(self) -> set[str]:
        return {failure.kind for failure in self.failures}

    def supervise(self) -> None:
        """Runs QEMU until it ends or must be ended."""
        guest = self.guest
        guest.log.write_bytes(b"")
        start = changed = time.monotonic()
        size = 0
        raw = bytearray()
        with (tempfile.TemporaryFile() as stderr, selectors.DefaultSelector() as selector,
              subprocess.Popen(guest.qemu(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=stderr, env=guest.environment()) as qemu):
            assert qemu.stdout
            os.set_blocking(qemu.stdout.fileno(), False)
            selector.register(qemu.stdout, selectors.EVENT_READ)
            while True:
                selector.select(0.2)
                now = time.monotonic()
                chunk = qemu.stdout.read()
                if chunk:
                    raw += chunk
                    changed = now
                    self.show(chunk)
                elif chunk == b"":
                    break
                if (grown := guest.log.stat().st_size) != size:
                    size, changed = grown, now
                if now - start > guest.timeout:
                    self.stopped("timeout", f"the guest was not done after {guest.timeout:.0f} s")
                elif now - changed > guest.silence:
                    self.stopped("hang", f"no output and no log line for {guest.silence:.0f} s")
                if self.failures:
                    qemu.kill()
                    break
            if qemu.wait() != 0 and not self.failures:
                stderr.seek(0)
                complaint = stderr.read().decode(errors="replace").strip()
                self.fail("qemu", f"QEMU ended with status {qemu.returncode}: {complaint}")
        self.output = raw.decode(errors="replace").replace("\r\n", "\n")
        self.log = guest.log.read_text(errors="replace")

    def show(self, chunk: bytes) -> None:
        if not self.guest.quiet:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()

    def judge(self) -> None:
        """Reads the marker and the whole kernel log."""
        for report in klog.scan(self.log):
            times = f" ({report.count} times)" if report.count > 1 else ""
            self.fail(report.kind, report.headline + times + "\n" + "\n".join("    " + line for line in report.lines))
        marker = MARKER.findall(self.output)
        if marker:
            self.status, tainted = map(int, marker[-1])
            # A report that the log does not show, or not in words that klog.py knows.
            for kind in klog.taint_kinds(tainted):
                if not self.kinds():
                    self.fail(kind, "the kernel is tainted by a report that its log does not show")
            if self.status != 0:
                self.fail("status", f"the command in the guest ended with status {self.status}")
            if not klog.is_whole(self.log) and not self.kinds() & ENDINGS:
                self.fail("log lost", f"the kernel's log does not reach to its end (is the disk of {self.guest.log} full?)")
        elif not self.kinds() & ENDINGS:
            self.stopped("early end", "the guest ended before its command did")


def boot(guest: Guest) -> Run:
    run = Run(guest)
    run.supervise()
    run.judge()
    return run


def counted(run: Run, kunit: bool, kselftest: bool) -> list[results.Result]:
    """The tests of a run: each leaf of its KTAP, and the run itself as one more."""
    tests = []
    for wanted, what, text in ((kunit, "KUnit", "\n".join(map(klog.strip, run.log.splitlines()))),
                               (kselftest, "kselftest", run.output)):
        found = ktap.parse(text) if wanted else []
        if wanted and not found:
            run.fail("no tests", f"{what} reported no test at all")
        tests += found
    # A failed test makes the runner's status non-zero: it is counted already.
    failures = [f for f in run.failures if f.kind != "status" or not any(t.status == "failed" for t in tests)]
    verdict = "failed" if failures else "passed"
    tests.append(results.Result("the guest ran to its end with a clean kernel log", verdict,
                                ", ".join(failure.kind for failure in failures)))
    return tests


def interactive(guest: Guest) -> None:
    """The guest's console is this terminal, until the guest ends."""
    try:
        columns, rows = os.get_terminal_size(0)
    except OSError:
        columns = rows = 0
    argv = guest.qemu(f"krsi.interactive={rows or 24}x{columns or 80}")
    os.execvpe(argv[0], argv, guest.environment())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="the kernel's build directory")
    parser.add_argument("--image", type=Path, help="the guest's initramfs")
    parser.add_argument("--disk", type=Path, action="append", default=[],
                        help="a disk that stays as it is; without --image the first is the root")
    parser.add_argument("--log", type=Path, required=True, help="where the kernel's log goes")
    parser.add_argument("--data", type=Path, help="what the guest writes to its port krsi.data")
    parser.add_argument("--usb", action="store_true", help="with the disks of disks.py, and QMP at the port krsi.qmp")
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for the whole run")
    parser.add_argument("--silence", type=float, default=120, help="seconds without any output")
    parser.add_argument("--append", default="", help="more words for the kernel command line")
    parser.add_argument("--counting", action="store_true", help="let the guest's clock count instructions")
    parser.add_argument("--plugin", default="", help="a plugin of QEMU, with its options")
    parser.add_argument("--interactive", action="store_true", help="connect this terminal, judge nothing")
    parser.add_argument("--kunit", action="store_true", help="count the KUnit tests in the kernel log")
    parser.add_argument("--kselftest", action="store_true", help="count the tests in the command's output")
    parser.add_argument("--results", type=Path, help="append the counted tests to this file")
    parser.add_argument("--name", default="guest", help="what the counted tests' names begin with")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="to run in the guest")
    args = parser.parse_args()
    if not args.command:
        parser.error("no command to run in the guest")
    if not args.image and not args.disk:
        parser.error("neither an image nor a disk to boot")
    append = args.append if args.kunit else f"kunit.enable=0 {args.append}"
    guest = Guest(args.build, args.image, args.log, args.command, args.memory, args.timeout, args.silence,
                  append, args.data, disks=args.disk, counting=args.counting,
                  plugin=args.plugin)
    if args.interactive:
        interactive(guest)
    with tempfile.TemporaryDirectory(prefix="krsi-disks.") as directory:
        if args.usb:
            guest.disk_dir = Path(directory)
            with disks.served(guest.disk_dir):
                run = boot(guest)
        else:
            run = boot(guest)
    tests = counted(run, args.kunit, args.kselftest)
    for failure in run.failures:
        print(f"krsi: {args.name}: {failure.kind}: {failure.text}", file=sys.stderr)
    if args.results:
        # What failed is counted there, and the run of all tests goes on.
        results.append(args.results, args.name, tests)
        return 0
    return 1 if run.failures or any(test.status == "failed" for test in tests) else 0


if __name__ == "__main__":
    sys.exit(main())
