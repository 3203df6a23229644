"""The mix of documents and code that first ingests are measured on, chosen by a rule.

Half are PEPs and half are modules of the standard library of the Python that runs this. Of each:
all files of 800 to 30,000 bytes that are UTF-8, sorted by path, the first so many. PEPs are
``pep-*.rst`` of the corpus; modules are ``*.py`` at any depth below the library's folder, save in
folders named ``site-packages``, ``test``, ``tests`` and ``idle_test``.
"""

import hashlib
import os
import sysconfig
import tarfile
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from benchmarks.homes import CHECKOUT

SMALLEST, LARGEST = 800, 30_000
_LEFT_OUT = {"site-packages", "test", "tests", "idle_test"}


def peps_archive() -> Path:
    """The corpus of PEPs: ``peps.tar.gz`` in the folder that BEAST_CORPORA names."""
    folder = os.environ.get("BEAST_CORPORA", CHECKOUT.parent / "shared" / "corpora")
    return Path(folder) / "peps.tar.gz"


def absent() -> str | None:
    """Why the mix cannot be made; None where it can."""
    if peps_archive().exists():
        return None
    return "no peps.tar.gz: set BEAST_CORPORA to the folder that holds it"


def make_mix(folder: Path, files: int) -> str:
    """Lay the mix out in ``folder/peps`` and ``folder/stdlib``, and give its digest.

    Args:
        folder: is made.
        files: how many, half of each kind.

    Returns:
        SHA-256 over the names and contents, to tell whether two machines had the same mix.
    """
    digest = hashlib.sha256()
    for name, content in [*_peps(files // 2), *_modules(files // 2)]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest.update(f"{name}\0".encode() + content)
    return digest.hexdigest()


def _peps(count: int) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(peps_archive()) as tar:
        members = sorted(tar.getmembers(), key=lambda member: member.name)
        peps = [each for each in members if fnmatch(each.name.rpartition("/")[2], "pep-*.rst")]
        contents = ((each, tar.extractfile(each)) for each in peps if _fits(each.size))
        found = ((each.name, file.read()) for each, file in contents if file is not None)
        for name, content in islice(filter(_is_text, found), count):
            yield f"peps/{name.rpartition('/')[2]}", content


def _modules(count: int) -> Iterator[tuple[str, bytes]]:
    library = Path(sysconfig.get_path("stdlib"))
    names = sorted(path.relative_to(library) for path in library.rglob("*.py"))
    wanted = (name for name in names if not _LEFT_OUT.intersection(name.parts[:-1]))
    sized = (name for name in wanted if _fits((library / name).stat().st_size))
    found = ((name.as_posix(), (library / name).read_bytes()) for name in sized)
    for name, content in islice(filter(_is_text, found), count):
        yield f"stdlib/{name}", content


def _fits(size: int) -> bool:
    return SMALLEST <= size <= LARGEST


def _is_text(file: tuple[str, bytes]) -> bool:
    try:
        file[1].decode()
    except UnicodeDecodeError:
        return False
    return True
