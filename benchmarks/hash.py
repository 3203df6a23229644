"""SHA-256 of files: ours against ``openssl dgst``, in the page cache."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from beast_assets.core.hashing import hash_file, hash_many
from benchmarks.harness import (
    Line,
    Missing,
    Options,
    Result,
    Spread,
    at_least,
    at_most,
    output_of,
    paired,
)
from benchmarks.memory import python_peak

OPENSSL = ("openssl", "dgst", "-sha256", "-r")
_MIB = 2**20
HASH_PROGRAM = "import sys\nfrom beast_assets.core.hashing import hash_file\nhash_file(sys.argv[1])"
IMPORT_PROGRAM = "from beast_assets.core.hashing import hash_file"


def run_openssl(paths: Sequence[Path], folder: Path | None = None) -> list[str]:
    """Digests of files, by one openssl process."""
    said = output_of([*OPENSSL, *paths], cwd=folder)
    return [line.split()[0] for line in said.splitlines()]


def make_file(path: Path, size: int) -> Path:
    """A file of so many bytes, no two MiB of it alike, in the page cache."""
    seed = os.urandom(_MIB)
    with path.open("wb") as file:
        for number in range(0, size, _MIB):
            block = number.to_bytes(8, "big") + seed[8:]
            file.write(block[: size - number])
    return path


def make_small_files(folder: Path, count: int, size: int = 4096) -> list[str]:
    """Names of that many new files."""
    folder.mkdir()
    names = [f"{number:05}" for number in range(count)]
    for name in names:
        (folder / name).write_bytes(os.urandom(size))
    return names


def _measure(options: Options) -> Result:
    """Large files, two at a time, many small ones, and the memory that it takes."""
    size = options.size("mib", 1024, 4) * _MIB
    count = options.size("files", 20_000, 200)
    pair = [make_file(options.folder / name, size) for name in ("one", "two")]
    names = make_small_files(options.folder / "small", count)
    _check(pair[0])
    lines = [_one(pair[0], options), _two(pair, options)]
    lines += [_small(options.folder / "small", names, options), *_memory(pair[0], options)]
    setup = {"large_file_mib": size // _MIB, "small_files": count, "small_file_bytes": 4096}
    return Result("hash", "SHA-256 of files in the page cache", lines, setup=setup)


def _nothing() -> Result:
    """What is left to say where there is no openssl."""
    reason = "the command openssl is not installed: nothing to compare with"
    return Result("hash", "SHA-256 of files", [], [Missing("all of it", reason)])


def _check(path: Path) -> None:
    if run_openssl([path]) != [hash_file(path)]:
        raise RuntimeError(f"openssl and we disagree on {path}")


def _one(path: Path, options: Options) -> Line:
    took = paired(
        {"ours": lambda: hash_file(path), "openssl": lambda: run_openssl([path])}, options.rounds
    )
    return Line(
        f"one file of {path.stat().st_size // _MIB} MiB",
        took.ratio("openssl", "ours"),
        "×",
        "openssl dgst -sha256",
        at_least(1.0),
        took.parts(),
        "ours in this process, openssl with its start, some 5 ms",
    )


def _two(pair: Sequence[Path], options: Options) -> Line:
    took = paired(
        {"ours": lambda: hash_many(pair, 2), "openssl": lambda: run_openssl(pair)}, options.rounds
    )
    return Line(
        f"two files of {pair[0].stat().st_size // _MIB} MiB, two threads",
        took.ratio("openssl", "ours"),
        "×",
        "openssl dgst -sha256, one after the other",
        at_least(1.8),
        took.parts(),
    )


def _small(folder: Path, names: Sequence[str], options: Options) -> Line:
    paths = [folder / name for name in names]
    took = paired(
        {
            "ours": lambda: hash_many([str(path) for path in paths], 1),
            "openssl": lambda: run_openssl([Path(name) for name in names], folder),
        },
        options.rounds,
    )
    each = {
        f"{name}, files/s": Spread.of([len(names) / value for value in took.values[name]])
        for name in ("ours", "openssl")
    }
    return Line(
        f"{len(names):,} files of 4 KiB",
        took.ratio("openssl", "ours"),
        "×",
        "one openssl dgst -sha256 over all",
        at_least(1.2),
        each | took.parts(),
    )


def _memory(path: Path, options: Options) -> list[Line]:
    peaks: dict[str, list[float]] = {"bare": [], "imported": [], "hashing": []}
    for _ in range(options.rounds):
        peaks["bare"].append(python_peak("pass") / _MIB)
        peaks["imported"].append(python_peak(IMPORT_PROGRAM) / _MIB)
        peaks["hashing"].append(python_peak(HASH_PROGRAM, path) / _MIB)
    parts = {f"{name}, MiB": Spread.of(values) for name, values in peaks.items()}
    above = [b - a for a, b in zip(peaks["imported"], peaks["hashing"], strict=True)]
    bare = [b - a for a, b in zip(peaks["bare"], peaks["hashing"], strict=True)]
    file = f"hashing a file of {path.stat().st_size // _MIB} MiB"
    return [
        Line(
            f"peak memory of {file}, above the imported module's",
            Spread.of(above),
            "MiB",
            "an interpreter that imports the module and ends",
            at_most(2.0),
            parts,
        ),
        Line(
            f"peak memory of {file}, above a bare interpreter's",
            Spread.of(bare),
            "MiB",
            "python -c pass",
            note="most of it is the standard library's modules and OpenSSL's code in hashlib",
        ),
    ]


def run(options: Options) -> Result:
    """Large files, two at a time, many small ones, and the memory that it takes."""
    return _measure(options) if shutil.which("openssl") else _nothing()
