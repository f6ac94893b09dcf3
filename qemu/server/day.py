#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A day of the server in minutes, run in it by `make server` in one of two modes.

Each file of day/ is one honest thing that must work, and of which no policy may
say anything that is not in the table of look-alikes. Each file of attacks/ is
staged by who its line `# user:` names; a policy must report what its lines
`# reports:` say and no more, and auditd record it. In audit mode it succeeds; in enforce mode it must
fail with "Operation not permitted", or what `# refusal:` says instead, unless it
says `# refused: no`. What an honest thing has a policy of its own deny, its line
`# denied:` names by the policy.

    day.py audit|enforce [NAME...]
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
REPORTS = Path("/run/krsi-reports")
RECORDS = Path("/var/log/audit/audit.log")


@dataclass
class LookAlike:
    """A line of the table: its name in the documentation, and the reports that it stands for."""

    name: str
    pattern: re.Pattern[str]
    seen: int = 0


@dataclass
class Thing:
    """What is done, and what must come of it."""

    path: Path
    user: str = "root"
    refused: bool = False
    refusal: str = "Operation not permitted"
    denied: str = ""
    expected: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    @staticmethod
    def read(path: Path, attack: bool) -> "Thing":
        thing = Thing(path, refused=attack)
        for line in path.read_text().splitlines():
            if line.startswith("# user: "):
                thing.user = line.removeprefix("# user: ")
            elif line.startswith("# reports: "):
                thing.expected.append(line.removeprefix("# reports: "))
            elif line.startswith("# refusal: "):
                thing.refusal = line.removeprefix("# refusal: ")
            elif line.startswith("# denied: "):
                thing.denied = line.removeprefix("# denied: ")
            elif line == "# refused: no":
                thing.refused = False
        return thing


class Reports:
    """What the policies have reported, and auditd has recorded of them, since it was asked last."""

    def __init__(self) -> None:
        self.read: dict[Path, int] = {}

    def lines(self, path: Path) -> list[str]:
        with path.open(errors="replace") as file:
            file.seek(self.read.get(path, 0))
            text = file.read()
            self.read[path] = file.tell()
        return text.splitlines()

    def denials(self, verdict: str) -> list[str]:
        """The audit records of denials with this verdict."""
        return [line for line in self.lines(RECORDS) if "[1490]" in line and f" verdict={verdict} " in line]

    def new(self) -> list[str]:
        # What was done is told at once, and `krsi run` prints it at once.
        time.sleep(0.5)
        lines = []
        for path in sorted(REPORTS.iterdir()):
            if path.suffix or path.name == "modules":
                continue
            # Of what was there before a policy was, nobody was asked.
            lines += [f"{path.name} {line}" for line in self.lines(path) if "module_loaded_before" not in line]
        return lines


class Day:
    """The run: what held, and what was reported."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.reports = Reports()
        self.look_alikes = []
        for line in (HERE / "look-alikes").read_text().splitlines():
            if line and not line.startswith("#"):
                name, pattern = re.split(r"\t+", line, maxsplit=1)
                self.look_alikes.append(LookAlike(name, re.compile(pattern)))
        self.table: list[tuple[str, str, str]] = []
        self.right = self.all = 0

    def must(self, what: str, holds: bool, why: str = "") -> None:
        self.all += 1
        self.right += holds
        if not holds:
            print(f"   -> NOT AS IT MUST BE: {what}")
            for line in why.splitlines()[-15:]:
                print(f"      {line}")

    def look_alike(self, report: str) -> str | None:
        """The name of what the report is known to be."""
        for known in self.look_alikes:
            if known.pattern.search(report):
                known.seen += 1
                return known.name
        return None

    def judge(self, name: str, expected: list[str], denied: bool, own: str = "") -> None:
        """What was reported meanwhile: all that is expected, and nothing unknown. And recorded: each denial,
        and those of a policy that was the thing's own."""
        missing, unknown = list(expected), []
        for report in self.reports.new():
            if found := [pattern for pattern in expected if re.search(pattern, report)]:
                missing = [pattern for pattern in missing if pattern not in found]
                verdict = "attack"
            elif known := self.look_alike(report):
                verdict = f"looks alike: {known}"
            else:
                verdict = "UNKNOWN"
                unknown.append(report)
            self.table.append((name, verdict, re.sub(r"^(\S+) \S+ policy=\S+ seq=\d+ verdict=\S+ signal=", r"\1 ", report)))
        if expected:
            self.must(f"{name} is reported", not missing, "nothing was reported like: " + "\n".join(missing))
        self.must(f"{name}: nothing else is reported", not unknown, "\n".join(unknown))
        records = self.reports.denials("denied" if self.mode == "enforce" or own else "would-deny")
        if denied:
            policies = {re.sub(r"\W*(\w+) .*", r"\1", pattern) for pattern in expected}
            unheard = [policy for policy in policies if not any(f' policy="{policy}" ' in line for line in records)]
            self.must(f"{name} is in the audit log", not unheard, f"nothing of {unheard} in\n" + "\n".join(records))
        elif own:
            others = [line for line in records if f' policy="{own}" ' not in line]
            self.must(f"{name}: what {own} denies, and nothing else, is in the audit log", bool(records) and not others,
                      "\n".join(records))
        elif self.mode == "enforce":
            self.must(f"{name} is not denied", not records, "\n".join(records))

    def do(self, thing: Thing) -> None:
        began = time.monotonic()
        command = ["runuser", "-u", thing.user, "--"] if thing.user != "root" else []
        home = "/root" if thing.user == "root" else f"/home/{thing.user}"
        environment = {"HOME": home, "PATH": "/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
        try:
            run = subprocess.run([*command, "/bin/bash", str(thing.path)], cwd=home, env=environment, timeout=300,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, errors="replace", check=False)
            status, output = run.returncode, run.stdout
        except subprocess.TimeoutExpired as error:
            status, output = -1, f"{error.output}\nit was not done after 300 s"
        print(f"{thing.name}: {time.monotonic() - began:.1f} s, status {status}", flush=True)
        if thing.refused and self.mode == "enforce":
            self.must(f"{thing.name} is refused", status != 0 and thing.refusal in output, f"status {status}\n{output}")
        else:
            self.must(f"{thing.name} works", status == 0, f"status {status}\n{output}")
        self.judge(thing.name, thing.expected, thing.refused, thing.denied)

    def boot(self) -> None:
        """All that came before this."""
        run = subprocess.run(["systemctl", "is-system-running", "--wait"], stdout=subprocess.PIPE, text=True, check=False)
        failed = subprocess.run(["systemctl", "--failed", "--no-legend", "--plain"], stdout=subprocess.PIPE, text=True,
                                check=False)
        print(f"boot: {time.clock_gettime(time.CLOCK_BOOTTIME):.0f} s, {run.stdout.strip()}", flush=True)
        self.must("the machine boots with all its services", run.stdout == "running\n", failed.stdout)
        attached = Path("/sys/kernel/security/krsi/policies").read_text().splitlines()
        modes = [line for line in attached if f" mode={self.mode} " in line]
        self.must("all policies are attached", len(modes) == 7, "\n".join(attached))
        self.judge("boot", [], False)

    def end(self, whole: bool) -> bool:
        if whole and self.mode == "audit":
            for known in self.look_alikes:
                self.must(f"{known.name} is still reported", known.seen > 0, known.pattern.pattern)
        attached = Path("/sys/kernel/security/krsi/policies").read_text().splitlines()
        self.must("no policy failed", all(" errors=0 " in line for line in attached), "\n".join(attached))
        print(f"\nReported in {self.mode} mode:")
        for name, verdict, report in self.table:
            print(f"  {name:32} {verdict:32} {report}")
        print(f"\nserver, {self.mode}: {self.right} of {self.all} as it must be")
        return self.right == self.all


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["audit", "enforce"])
    parser.add_argument("name", nargs="*", help="only these of day/ and attacks/")
    args = parser.parse_args()
    day = Day(args.mode)
    day.boot()
    for directory in ("day", "attacks"):
        for path in sorted((HERE / directory).iterdir()):
            if not args.name or path.name in args.name:
                day.do(Thing.read(path, directory == "attacks"))
    return 0 if day.end(not args.name) else 1


if __name__ == "__main__":
    sys.exit(main())
