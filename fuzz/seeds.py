#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""seeds.py DIR: writes small module files for the fuzzer to begin with.

They have the sections that the reader looks for, and a struct module of the size
that module_file.rs expects.
"""

import struct
import sys
from pathlib import Path

NOBITS, PROGBITS, STRTAB = 8, 1, 3
ALLOC = 2
INFO = b"license=GPL\0name=seed\0\0vermagic=7.3\0"


def record(name: bytes) -> bytes:
    return b"\0" * 24 + name.ljust(56, b"\0") + b"\0" * 48


def module(*sections: tuple[bytes, int, int, bytes]) -> bytes:
    """An ELF file of these sections: name, type, flags, contents."""
    names, body = b"\0", b""
    headers = [bytes(64)]
    for name, kind, flags, contents in (*sections, (b".shstrtab", STRTAB, 0, b"")):
        if kind == STRTAB:
            contents = names + name + b"\0"
        offset = 64 + len(body)
        headers.append(struct.pack("<IIQQQQIIQQ", len(names), kind, flags, 0, offset, len(contents), 0, 0, 1, 0))
        names += name + b"\0"
        body += contents
    header = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    header += struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, len(headers), len(headers) - 1)
    return header + body + b"".join(headers)


THIS = (b".gnu.linkonce.this_module", PROGBITS, ALLOC, record(b"seed"))
SEEDS = {
    "plain": module((b".text", PROGBITS, ALLOC, b"\x90"), (b".modinfo", PROGBITS, ALLOC, INFO), THIS),
    "without_modinfo": module(THIS, (b".bss", NOBITS, ALLOC, b"")),
    "twice": module((b".modinfo", PROGBITS, ALLOC, INFO), THIS, (b".modinfo", PROGBITS, ALLOC, INFO)),
    "unterminated": module((b".modinfo", PROGBITS, ALLOC, INFO[:-1]), THIS),
    "appended": module((b".modinfo", PROGBITS, ALLOC, INFO), THIS) + b"~Module signature appended~\n",
    "no_module": b"#!/bin/sh\n",
}

if __name__ == "__main__":
    for name, contents in SEEDS.items():
        (Path(sys.argv[1]) / name).write_bytes(contents)
