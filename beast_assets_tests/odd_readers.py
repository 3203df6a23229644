"""Readers as a sandbox may meet them: each misbehaves in a way of its own."""

import ctypes
import hashlib
import importlib
import inspect
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from beast_assets.core.records import Part, Skip
from beast_assets.core.text.confine import address_space

_KEPT: list[bytearray] = []


def fine(data: bytes) -> list[Part]:
    return [Part(data.decode(), "page 1"), Part("end")]


def echoes(data: bytes) -> list[Part]:
    """What JSON says."""
    return [Part(text, place) for text, place in json.loads(data)]


def digest(data: bytes) -> list[Part]:
    return [Part(hashlib.sha256(data).hexdigest())]


def nothing(data: bytes) -> Skip:
    return Skip("nothing in it")


def unties(data: bytes) -> list[Part]:
    """Undo that the kernel ends this process with its parent, as where there is no such thing."""
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    return process_id(data)


def process_id(data: bytes) -> list[Part]:
    return [Part(str(os.getpid()))]


def hangs(data: bytes) -> list[Part]:
    while True:
        pass


def hangs_in_c(data: bytes) -> list[Part]:
    """Hold the interpreter's lock and never come back; before, make an empty file of this name."""
    if data:
        Path(os.fsdecode(data)).touch()
    ctypes.PyDLL(None).pause()
    return []


def sleeps(data: bytes) -> list[Part]:
    time.sleep(float(data))
    return [Part("awake")]


def allocates(data: bytes) -> list[Part]:
    """So many bytes, used."""
    return [Part(str(len(bytearray(int(data)))))]


def keeps(data: bytes) -> list[Part]:
    """So many bytes for ever."""
    _KEPT.append(bytearray(int(data)))
    return [Part(str(os.getpid()))]


def segfaults(data: bytes) -> list[Part]:
    ctypes.string_at(0)
    return []


def aborts(data: bytes) -> list[Part]:
    os.abort()


def leaves(data: bytes) -> list[Part]:
    os._exit(3)


def exits(data: bytes) -> list[Part]:
    sys.exit("enough")


def raises(data: bytes) -> list[Part]:
    raise ValueError(data)


def wrong(data: bytes) -> list[Part]:
    return data  # type: ignore[return-value]


def noisy(data: bytes) -> list[Part]:
    print("noise" * 100_000, flush=True)
    for descriptor in (1, 2):
        os.write(descriptor, b"noise" * 100_000)
    assert sys.stdin.read() == ""
    return [Part("heard nothing")]


def babbles(data: bytes) -> list[Part]:
    """Write into every descriptor there is, the line to the parent too."""
    for descriptor in range(3, 4_096):
        try:
            os.write(descriptor, data)
        except OSError:
            continue
    return [Part("said something")]


def closes(data: bytes) -> list[Part]:
    os.closerange(3, 4_096)
    time.sleep(60)
    return []


def long(data: bytes) -> list[Part]:
    return [Part("é" * int(data))]


def many(data: bytes) -> list[Part]:
    return [Part("")] * int(data)


def surrogates(data: bytes) -> list[Part]:
    return [Part("a\ud800b", "page \udfff"), Part("\ud83d\ude00")]


def environment(data: bytes) -> list[Part]:
    return [Part(name) for name in sorted(os.environ)]


def limits(data: bytes) -> list[Part]:
    names = ("CORE", "FSIZE", "NOFILE")
    return [Part(str(resource.getrlimit(getattr(resource, f"RLIMIT_{n}"))[1]), n) for n in names]


def _refused(attempt: Callable[[], object]) -> str:
    try:
        return f"allowed: {attempt()}"
    except OSError as error:
        return type(error).__name__


def reaches_out(data: bytes) -> list[Part]:
    """What Python is refused."""
    return [
        Part(_refused(lambda: socket.socket()), "socket"),
        Part(_refused(lambda: socket.getaddrinfo("localhost", 80)), "name"),
        Part(_refused(lambda: subprocess.run(["true"])), "program"),
        Part(_refused(lambda: os.system("true")), "shell"),
        Part(_refused(lambda: Path(os.fsdecode(data)).write_text("written")), "file"),
    ]


def reaches_out_in_c(data: bytes) -> list[Part]:
    """What C is refused, by the name of its error."""
    c = ctypes.CDLL(None, use_errno=True)

    def call(function: Callable[..., int], *arguments: object) -> str:
        return os.strerror(ctypes.get_errno()) if function(*arguments) < 0 else "allowed"

    words = (ctypes.c_char_p * 2)(b"true", None)
    return [
        Part(call(c.socket, 2, 1, 0), "socket"),
        Part(call(c.connect, 0, None, 0), "connect"),
        Part(call(c.execv, b"/bin/true", words), "execve"),
        Part(call(c.syscall, 425, 1, None), "io_uring"),
        Part(call(c.syscall, 0x40000000 + 41, 2, 1, 0), "other ABI"),
        Part(call(c.getppid), "anything else"),
    ]


def kills_itself(data: bytes) -> list[Part]:
    os.kill(os.getpid(), int(data))
    signal.pause()
    return []


def imports(data: bytes) -> list[Part]:
    """Import modules by name, and say by how many bytes the address space grew."""
    before = address_space()
    for name in data.decode().split():
        importlib.import_module(name)
    return [Part(str(address_space() - before))]


READERS = {
    name: reader
    for name, reader in dict(globals()).items()
    if inspect.isfunction(reader) and reader.__module__ == __name__ and name[0] != "_"
}
