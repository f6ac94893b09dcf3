#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Looks whether all that the tool depends on is what deny.toml allows: by its
licence, and by where it comes from. cargo-deny does more, but takes a newer
Rust than the tool, and the network for its advisories.

    dependencies.py DENY.toml < METADATA     what `cargo metadata` says
"""

import json
import re
import sys
import tomllib
from pathlib import Path

TOKEN = re.compile(r"\(|\)|/|[^\s()/]+")


class Expression:
    """An SPDX expression; a slash is what OR was before."""

    def __init__(self, text: str, allowed: set[str]) -> None:
        self.tokens = TOKEN.findall(text)
        self.allowed = allowed

    def take(self, *wanted: str) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            self.tokens.pop(0)
            return True
        return False

    def either(self) -> bool:
        result = self.both()
        while self.take("OR", "/"):
            result = self.both() or result
        return result

    def both(self) -> bool:
        result = self.one()
        while self.take("AND"):
            result = self.one() and result
        return result

    def one(self) -> bool:
        if self.take("("):
            result = self.either()
            if not self.take(")"):
                raise ValueError("a parenthesis is open")
            return result
        name = self.tokens.pop(0)
        if self.take("WITH"):
            name += " WITH " + self.tokens.pop(0)
        return name in self.allowed


def is_allowed(text: str | None, allowed: set[str]) -> bool:
    """Whether one of the licences to choose from is; nothing is not."""
    try:
        expression = Expression(text or "", allowed)
        return expression.either() and not expression.tokens
    except (IndexError, ValueError):
        return False


def wrong(package: dict, deny: dict) -> str | None:
    """What is wrong with it."""
    if not is_allowed(package["license"], set(deny["licenses"]["allow"])):
        return f"has the licence {package['license']}"
    source = package["source"]
    if source and source.removeprefix("registry+") not in deny["sources"]["allow-registry"]:
        return f"comes from {source}"
    wildcards = [needed["name"] for needed in package["dependencies"] if needed["req"] == "*"]
    if not source and wildcards:
        return f"takes any version of {', '.join(wildcards)}"
    return None


def main(argv: list[str]) -> int:
    deny = tomllib.loads(Path(argv[0]).read_text())
    metadata = json.load(sys.stdin)
    used = {node["id"] for node in metadata["resolve"]["nodes"]}
    packages = [package for package in metadata["packages"] if package["id"] in used]
    found = [f"{package['name']} {package['version']} {what}" for package in packages if (what := wrong(package, deny))]
    print("\n".join(found) or f"all {len(packages)} are")
    return 1 if found or not packages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
