# SPDX-License-Identifier: GPL-2.0
"""Counts the tests in KTAP output: used by guest.py on what kselftest's runner
prints and on what the built-in KUnit suites left in the kernel log.

Tests nest: KUnit indents a suite's own output by four spaces, kselftest's
runner prefixes it with "# ". Only leaves are counted. A suite with no plan, or
whose plan and results differ in number, is one failure more.
"""

import re
from dataclasses import dataclass, field

NEST = re.compile(r"(    |# )*")
VERSION = re.compile(r"^K?TAP version 1[34]?$")
PLAN = re.compile(r"^1\.\.(\d+)( *# *SKIP.*)?$")
RESULT = re.compile(r"^(ok|not ok)\b *(\d+)?(?: +- +| +|$)([^#]*)(?:# *(\S+) *(.*))?$")


@dataclass
class Result:
    """One counted test; status is passed, failed or skipped."""

    name: str
    status: str
    detail: str = ""


@dataclass
class Suite:
    """A KTAP stream at one depth, from its version line to its last result."""

    depth: int
    plan: int | None = None
    seen: int = 0
    skipped: bool = False
    # KUnit runs the cases of a parameter that it can't count beforehand with no plan.
    may_lack_plan: bool = False
    leaves: list[Result] = field(default_factory=list)


def join(parent: str, child: str) -> str:
    return f"{parent}: {child}" if child else parent


class Parser:
    """Takes lines; whatever is not KTAP is passed over."""

    def __init__(self) -> None:
        self.stack: list[Suite] = []
        self.results: list[Result] = []

    def line(self, text: str) -> None:
        nest = NEST.match(text)
        prefix = nest.group(0) if nest else ""
        depth = prefix.count("# ") + prefix.count("    ")
        body = text[len(prefix):].rstrip()
        if VERSION.match(body):
            # Below an open suite this is a test's own output; at its depth or
            # above, that suite has ended.
            self.close(depth)
            self.stack.append(Suite(depth))
            return
        if body.startswith("Subtest: ") and self.stack and self.stack[-1].depth == depth - 1:
            self.stack[-1].may_lack_plan = depth - 1 > 1
            return
        # Deeper suites wait for their parent's result line, which names them.
        suite = next((s for s in reversed(self.stack) if s.depth == depth), None)
        if suite is None:
            return
        if plan := PLAN.match(body):
            suite.plan = int(plan.group(1))
            suite.skipped = plan.group(2) is not None
        elif result := RESULT.match(body):
            self.result(suite, *result.groups(default=""))

    def result(self, suite: Suite, verdict: str, _number: str, name: str, directive: str, reason: str) -> None:
        name = name.strip()
        suite.seen += 1
        leaves = self.take_children(suite, name)
        status = "passed" if verdict == "ok" else "failed"
        if status == "passed" and directive.upper() in ("SKIP", "XFAIL", "TODO"):
            # An expected failure did not pass either.
            status = "skipped"
        detail = " ".join(filter(None, [directive, reason])).strip()
        if not leaves:
            suite.leaves.append(Result(name or "(unnamed)", status, detail))
            return
        suite.leaves += leaves
        if status == "failed" and not any(leaf.status == "failed" for leaf in leaves):
            suite.leaves.append(Result(name, "failed", detail or "failed though none of its tests did"))

    def take_children(self, suite: Suite, name: str) -> list[Result]:
        """The leaves of the suites that ran inside the test `name`."""
        leaves: list[Result] = []
        while self.stack and self.stack[-1].depth > suite.depth:
            leaves = self.finish(self.stack.pop()) + leaves
        return [Result(join(name, leaf.name), leaf.status, leaf.detail) for leaf in leaves]

    @staticmethod
    def finish(suite: Suite) -> list[Result]:
        leaves = suite.leaves
        if suite.plan is None and not (suite.may_lack_plan and suite.seen):
            leaves.append(Result("plan", "failed", f"no plan; {suite.seen} results came"))
        elif suite.plan is not None and suite.plan != suite.seen:
            leaves.append(Result("plan", "failed", f"{suite.plan} tests promised, {suite.seen} came"))
        elif suite.plan == 0 and suite.skipped:
            leaves.append(Result("", "skipped"))
        return leaves

    def close(self, depth: int) -> None:
        """Ends every suite at this depth or deeper; orphans go to their nearest parent."""
        while self.stack and self.stack[-1].depth >= depth:
            suite = self.stack.pop()
            leaves = self.finish(suite)
            # Two streams inside one test: both belong to the same parent.
            self.results += leaves if not self.stack else []
            if self.stack:
                self.stack[-1].leaves += leaves

    def end(self) -> list[Result]:
        self.close(0)
        return self.results


def parse(text: str) -> list[Result]:
    parser = Parser()
    for line in text.splitlines():
        parser.line(line)
    return parser.end()
