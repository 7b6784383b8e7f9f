"""Run code in a process that the kernel ends at the first call that opens a socket, writes or changes a file.

Run as a script: `python confined.py CODE [ARGUMENT ...]`. A seccomp filter (seccomp(2), Linux 3.5) needs no package and
no privilege, holds for every thread and for native libraries, and cannot be taken off again. The process ends by
SIGSYS, with the Python stack of the call on stderr.
"""

from __future__ import annotations

import ctypes
import faulthandler
import platform
import signal
import struct
import sys

FORBIDDEN = {
    # socket connect sendto sendmsg bind listen, truncate ftruncate, rename mkdir rmdir creat link unlink symlink mknod,
    # mkdirat mknodat unlinkat renameat linkat symlinkat renameat2, openat2 (its flags lie in memory, out of reach)
    "x86_64": [41, 42, 44, 46, 49, 50, 76, 77, 82, 83, 84, 85, 86, 87, 88, 133, 258, 259, 263, 264, 265, 266, 316, 437],
    "aarch64": [198, 203, 206, 211, 200, 201, 45, 46, 34, 33, 35, 38, 37, 36, 276, 437],
}
OPENS = {"x86_64": {2: 1, 257: 2}, "aarch64": {56: 2}}
"""open and openat: the place of their flags among the arguments."""
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
WRITES = 0o1 | 0o2 | 0o100  # O_WRONLY, O_RDWR, O_CREAT
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
TRAP, ALLOW = 0x00030000, 0x7FFF0000
NO_NEW_PRIVILEGES, SECCOMP = 38, 22


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine() -> None:
    """Put the filter in force for this process and all that it starts."""
    machine = platform.machine()
    code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, ARCHITECTURES[machine]), (RETURN, 0, 0, TRAP), (LOAD, 0, 0, 0)]
    for number in FORBIDDEN[machine]:
        code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, TRAP)]
    for number, argument in OPENS[machine].items():
        code += [(EQUAL, 0, 4, number), (LOAD, 0, 0, 16 + 8 * argument), (ANY_BIT, 0, 1, WRITES)]
        code += [(RETURN, 0, 0, TRAP), (RETURN, 0, 0, ALLOW)]
    code.append((RETURN, 0, 0, ALLOW))
    lines = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code), ctypes.addressof(lines))
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SECCOMP, 2, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no seccomp filter")


if __name__ == "__main__":
    faulthandler.register(signal.SIGSYS, chain=True)
    confine()
    source = sys.argv.pop(1)
    exec(compile(source, "<confined>", "exec"), {"__name__": "__main__"})
