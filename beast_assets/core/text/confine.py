"""What the child that reads files takes from itself before it does, and while it does.

On Linux the kernel refuses it more memory, sockets and other programs, and ends it with its parent.
Elsewhere sockets and programs are refused to Python code only, and macOS does not enforce a limit
of the address space; time and output are limited everywhere.
"""

import contextlib
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator

_DESCRIPTORS = 64
#: Beyond what the parent waits: only if the parent is gone does it come to that.
_GRACE_S = 1

# By machine: the kernel's mark, then socket, connect, execve, execveat, ptrace, io_uring_setup.
_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 425)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 425)),
}
_OTHER_ABI = 0x4000_0000  # x86_64 knows its calls by a second set of numbers, from here on
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | 13  # EACCES

_REFUSED_EVENTS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork")


def confine() -> None:
    """Give up for good what no parser needs."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        resource.setrlimit(limit, (most, most))
    if sys.platform == "linux":
        _ask_the_kernel()
    sys.addaudithook(_refuse)


def address_space() -> int:
    """Bytes of address space in use; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is not loaded here
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


@contextlib.contextmanager
def limited(memory_bytes: int, seconds: float) -> Iterator[None]:
    """Bound what happens inside: the address space may grow by so much, then comes MemoryError.

    After ``seconds`` and a little more the process is killed, also where no parent is left to do so
    and the parser is deep in C.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = address_space()
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_S)
    try:
        if used:
            most = min([used + memory_bytes, *(each for each in before if each >= 0)])
            resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
        yield
    finally:
        if used:
            resource.setrlimit(resource.RLIMIT_AS, before)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _refuse(event: str, _: object) -> None:
    if event.startswith(_REFUSED_EVENTS):
        raise PermissionError(f"{event} while a file is read")


def _ask_the_kernel() -> None:
    """End with the parent; no sockets and no programs, for C code either, if the machine is known.

    No privilege is needed, and none can be had afterwards. What the kernel was built without, it
    declines, and the rest holds.
    """
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *4 * [ctypes.c_ulong]]
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    machine = os.uname().machine
    if machine in _CALLS and sys.maxsize > 2**32:
        program = _filter(*_CALLS[machine])
        code = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
        where = ctypes.create_string_buffer(header, len(header))
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(where), 0, 0)


def _filter(mark: int, calls: tuple[int, ...]) -> bytes:
    """The program that the kernel runs before each call: refuse these, and all of other ABIs."""
    refusal = len(calls) + 2  # how many steps lie between the first test and the refusal
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 0, refusal + 1, mark), (_LOAD, 0, 0, 0)]
    steps += [(_EQUAL, refusal - done - 1, 0, call) for done, call in enumerate(calls)]
    steps += [(_AT_LEAST, 1, 0, _OTHER_ABI), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
