import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beast_assets.core.ignore import Rules, root_rules

GIT = shutil.which("git")

# --- the same verdicts as git -------------------------------------------------------------------

NAMES = [
    b"a", b"b", b"ab", b"ba", b"a.b", b".a", b"a b", b"a ", b"a\\", b"[a]", b"]", b"-", b"!a",
    b"#a", b"A", b"a\n", b"1", "à".encode(), b"\xff\xfe", b"a*b", b"aab", b"a\r", b"a\t",
]  # fmt: skip

pieces = st.sampled_from(
    "a b ab a.b . * ? [ab] [!a] [^b] [a-z] [z-a] [!z-a] []a] [[:alpha:]] [![:digit:]] [[:space:]]"
    r" [\]] [a\-z] [-a] [a-] [[:no:]] [ab \a \* \? \[ \\ \! \# ] - ! # à [[] [[:] [b-\z] 1 A".split()
) | st.sampled_from([" ", "\\ ", "\t", "\r", "\\"])
segments = st.lists(pieces, min_size=1, max_size=3).map("".join)


def single_stars(glob: str) -> bool:
    return "**" not in glob


patterns = st.builds(
    lambda negated, anchor, parts, end: negated + anchor + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(segments.filter(single_stars) | st.just("**"), min_size=1, max_size=3),
    st.sampled_from(["", "", "/", " ", "  ", "\r"]),
)
lines = patterns | st.sampled_from(["", "# a", "*", "/*", "!*/", "**/", "/", "!", "//a", "a//", "***"])
ignore_files = st.lists(lines, max_size=5).map(lambda some: "\n".join(some).encode())

directories = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)
trees = st.tuples(
    st.sets(st.tuples(directories, st.sampled_from(NAMES)), min_size=1, max_size=25),
    st.dictionaries(st.just(()) | directories, st.tuples(ignore_files, ignore_files), max_size=4),
)
Tree = tuple[
    set[tuple[tuple[bytes, ...], bytes]], dict[tuple[bytes, ...], tuple[bytes, bytes]]
]


def make(root: bytes, tree: Tree) -> dict[bytes, tuple[bytes, bytes]]:
    """Lay the tree out; what cannot be (a file where a directory is) is left out."""
    files, ignores = tree
    for folder, name in sorted(files):
        try:
            os.makedirs(os.path.join(root, *folder), exist_ok=True)
            with open(os.path.join(root, *folder, name), "xb"):
                pass
        except OSError:
            continue
    laid = {}
    for folder, (first, second) in ignores.items():
        where = os.path.join(root, *folder)
        if os.path.isdir(where):
            laid[where] = (first, second)
            # git knows one file a directory; the later line wins, so does our second file
            with open(os.path.join(where, b".gitignore"), "wb") as out:
                out.write(first + b"\n" + second)
    return laid


def git_keeps(root: bytes, git_dir: Path) -> set[bytes]:
    listing = subprocess.run(
        [str(GIT), f"--git-dir={git_dir}", b"--work-tree=" + root,
         "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"],
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    return {path for path in listing.stdout.split(b"\0") if path}


def we_keep(root: bytes, laid: dict[bytes, tuple[bytes, bytes]]) -> Iterator[bytes]:
    def walk(folder: bytes, prefix: bytes, rules: Rules) -> Iterator[bytes]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if rules.excludes(entry.name, entry.is_dir()):
                    continue
                if entry.is_dir():
                    child = rules.child(entry.name, *laid.get(entry.path, (None, None)))
                    yield from walk(entry.path, prefix + entry.name + b"/", child)
                else:
                    yield prefix + entry.name

    return walk(root, b"", root_rules(*laid.get(root, (None, None)), builtin=False))


@pytest.fixture(scope="module")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not GIT:
        pytest.skip("git is not installed: nothing to compare with")
    where = tmp_path_factory.mktemp("git")
    subprocess.run([GIT, "init", "-q", "--bare", str(where)], check=True)
    return where


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], bytes]:
    return lambda: os.fsencode(tmp_path_factory.mktemp("tree"))


@settings(
    max_examples=int(os.environ.get("FUZZ", "400")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(tree=trees)
def test_same_verdicts_as_git(
    tree: Tree, empty_repository: Path, fresh: Callable[[], bytes]
) -> None:
    root = fresh()
    laid = make(root, tree)
    assert set(we_keep(root, laid)) == git_keeps(root, empty_repository)
    shutil.rmtree(root)
