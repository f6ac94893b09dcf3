# SPDX-License-Identifier: GPL-2.0
"""The disks of a guest that is for tests of mounts, used by guest.py: USB sticks
and a way to plug them, a virtio disk, and a directory of the host by 9p and by
virtiofs.
"""

import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 128 << 20
# USB sticks: name, which is their serial number and the end of their QEMU device's; the port of
# the controller; the driver that the guest takes. SPARE is not plugged in, and can be for ever
# again: a disk of -blockdev stays when its device goes.
STICKS = [("direct", "2", "usb-storage"), ("behind-hub", "1.1", "usb-storage"), ("uas", "3", "uas")]
SPARE = "spare"
# One whose medium stays in it, at a port that the firmware calls hard-wired.
FIXED, FIXED_PORT = "fixed", 5
PORTS = 8
# The controller's place on the PCI bus.
SLOT = 0x10


def package(op: bytes, body: bytes) -> bytes:
    """An AML object that begins with its length, in two bytes."""
    length = len(body) + 2
    return op + bytes([0x40 | length & 15, length >> 4]) + body


def name(key: bytes, value: bytes) -> bytes:
    return b"\x08" + key + value


def device(key: bytes, address: int, body: bytes = b"") -> bytes:
    return package(b"\x5b\x82", key + name(b"_ADR", bytes([0x0a, address])) + body)


def hard_wired(port: int) -> bytes:
    """An ACPI table by which what is at this port of the USB controller is built in: it can be
    connected (_UPC) and nobody sees it (_PLD). Each port is two, SuperSpeed and not."""
    connectable = name(b"_UPC", package(b"\x12", b"\x04\x01\xff\x00\x00"))
    hidden = name(b"_PLD", package(b"\x12", b"\x01" + package(b"\x11", b"\x0a\x10\x01" + bytes(15))))
    ports = [device(b"PRT%d" % n, address, connectable + hidden) for n, address in enumerate((port, PORTS + port))]
    hub = device(b"RHUB", 0, b"".join(ports))
    aml = package(b"\x10", b"\\\x2f\x03_SB_PCI0S%02X_" % (SLOT << 3) + hub)
    header = struct.pack("<4sIBB6s8sI4sI", b"SSDT", 36 + len(aml), 2, 0, b"KRSI  ", b"KRSIUSB ", 1, b"KRSI", 1)
    table = bytearray(header + aml)
    table[9] = -sum(table) & 255
    return bytes(table)


def image(directory: Path, disk: str) -> str:
    """The options of -blockdev for a disk of zeros."""
    path = directory / f"{disk}.img"
    path.touch()
    os.truncate(path, SIZE)
    return f"driver=raw,node-name=disk-{disk},cache.no-flush=on,file.driver=file,file.filename={path}"


def argv(directory: Path, memory: str) -> list[str]:
    """QEMU's arguments. Its own control socket, QMP, is behind the guest's port krsi.qmp, so that
    a test can plug sticks in and pull them out."""
    table = directory / "ssdt"
    table.write_bytes(hard_wired(FIXED_PORT))
    args = ["-acpitable", f"file={table}",
            "-device", f"qemu-xhci,id=xhci,addr={SLOT:#x},p2={PORTS},p3={PORTS}",
            "-device", "usb-hub,bus=xhci.0,port=1",
            "-chardev", f"socket,id=qmp-port,path={directory}/qmp,server=on,wait=off",
            "-device", "virtserialport,chardev=qmp-port,name=krsi.qmp",
            "-chardev", f"socket,id=qmp,path={directory}/qmp", "-mon", "chardev=qmp,mode=control"]
    for disk in [*(stick[0] for stick in STICKS), SPARE, FIXED, "local"]:
        args += ["-blockdev", image(directory, disk)]
    for disk, port, driver in STICKS:
        stick = f"bus=xhci.0,port={port},id=stick-{disk},serial={disk}"
        if driver == "uas":
            args += ["-device", f"usb-uas,{stick}", "-device", f"scsi-hd,bus=stick-{disk}.0,drive=disk-{disk}"]
        else:
            args += ["-device", f"usb-storage,{stick},drive=disk-{disk},removable=on"]
    args += ["-device", f"usb-storage,bus=xhci.0,port={FIXED_PORT},serial={FIXED},drive=disk-{FIXED},removable=off",
             "-device", "virtio-blk-pci,drive=disk-local"]
    shared = directory / "shared"
    return args + ["-virtfs", f"local,path={shared},mount_tag=krsi-9p,security_model=none",
                   # virtiofsd reads and writes the guest's memory.
                   "-object", f"memory-backend-memfd,id=memory,size={memory},share=on",
                   "-machine", "memory-backend=memory",
                   "-chardev", f"socket,id=virtiofs,path={directory}/virtiofs",
                   "-device", "vhost-user-fs-pci,chardev=virtiofs,tag=krsi-virtiofs"]


@contextmanager
def served(directory: Path) -> Iterator[None]:
    """With the server of virtiofs."""
    (directory / "shared").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "virtiofs"))
        listener.listen(1)
        fd = listener.fileno()
        server = subprocess.Popen(["/usr/libexec/virtiofsd", f"--fd={fd}", f"--shared-dir={directory}/shared",
                                   "--sandbox=none", "--rlimit-nofile=0", "--log-level=error"],
                                  pass_fds=[fd])
    try:
        yield
    finally:
        server.kill()
        server.wait()
