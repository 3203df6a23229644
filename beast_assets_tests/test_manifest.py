import hashlib
import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beast_assets.core.manifest import format_line, write_manifest

HOSTILE = [
    b"plain.md", b"new\nline", b"back\\slash", b"\\n", b"quote'\"", b"carriage\rreturn", b"\r",
    b" leading", b"  two", b"*star", b"-dash", b"--check", b"-", b"\xff\xfe", "à".encode(),
    b"n" * 255, b"#x", b"tab\t", b"trailing ", b"trailing\n", b"SHA256 (x) = y", b"sub/-", b"\x7f",
]  # fmt: skip

needs_coreutils = pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum here")


def lay_out(root: Path, paths: list[bytes]) -> list[tuple[bytes, str]]:
    rows = []
    for path in paths:
        place = root / os.fsdecode(path)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"content of " + path)
        rows.append((path, hashlib.sha256(b"content of " + path).hexdigest()))
    return rows


def check(root: Path, manifest: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet", "/dev/stdin"],
        cwd=root, input=manifest, capture_output=True, check=False, env={"LC_ALL": "C"},
    )  # fmt: skip


def manifest_of(rows: list[tuple[bytes, str]]) -> bytes:
    out = io.BytesIO()
    assert write_manifest(iter(rows), out) == len(rows)
    return out.getvalue()


@needs_coreutils
def test_sha256sum_accepts_hostile_names(tmp_path: Path) -> None:
    manifest = manifest_of(lay_out(tmp_path, HOSTILE))
    done = check(tmp_path, manifest)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert manifest.count(b"\n") == len(HOSTILE)


@needs_coreutils
@pytest.mark.parametrize("path", HOSTILE)
def test_sha256sum_tells_one_altered_byte(path: bytes, tmp_path: Path) -> None:
    manifest = manifest_of(lay_out(tmp_path, HOSTILE))
    place = tmp_path / os.fsdecode(path)
    place.write_bytes(place.read_bytes()[:-1] + b"\0")
    done = check(tmp_path, manifest)
    assert done.returncode == 1
    assert done.stdout.count(b"FAILED") == 1


@needs_coreutils
def test_sha256sum_tells_a_missing_file(tmp_path: Path) -> None:
    manifest = manifest_of(lay_out(tmp_path, HOSTILE))
    (tmp_path / "-").unlink()
    assert check(tmp_path, manifest).returncode == 1


@needs_coreutils
def test_the_lines_are_those_of_sha256sum(tmp_path: Path) -> None:
    paths = sorted(path for path in HOSTILE if path != b"-")
    rows = lay_out(tmp_path, paths)
    theirs = subprocess.run(
        ["sha256sum", "--", *paths], cwd=tmp_path, capture_output=True, check=True
    )
    assert manifest_of(rows) == theirs.stdout


names = st.binary(min_size=1, max_size=20).filter(lambda name: not set(name) & {0, 47})


@settings(max_examples=25, deadline=None, database=None)
@given(paths=st.lists(names.filter(lambda name: name.strip(b".")), unique=True, max_size=20))
def test_any_name(paths: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    if not shutil.which("sha256sum") or not paths:
        return
    root = tmp_path_factory.mktemp("root")
    done = check(root, manifest_of(lay_out(root, paths)))
    assert (done.returncode, done.stderr) == (0, b"")
    shutil.rmtree(root)


def test_sorted_by_bytes_whatever_the_order() -> None:
    rows = [(b"b", "2" * 64), (b"\xff", "4" * 64), (b"B", "1" * 64), (b"a/b", "3" * 64)]
    lines = manifest_of(rows).splitlines()
    assert [line.split(b"  ")[1] for line in lines] == [b"B", b"a/b", b"b", b"\xff"]


def test_the_escaped_line() -> None:
    assert format_line("0" * 64, b"a\\b\nc\rd") == b"\\" + b"0" * 64 + b"  a\\\\b\\nc\\rd\n"
    assert format_line("0" * 64, b"-") == b"0" * 64 + b"  ./-\n"
