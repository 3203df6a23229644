import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beast_assets.core.ignore import Rules, root_rules

GIT = shutil.which("git")

# --- the same verdicts as git -------------------------------------------------------------------

NAMES = [
    b"a", b"b", b"ab", b"ba", b"a.b", b".a", b"a b", b"a ", b"a\\", b"[a]", b"]", b"-", b"!a",
    b"#a", b"A", b"a\n", b"1", "à".encode(), b"\xff\xfe", b"a*b", b"aab", b"a\r", b"a\t",
]  # fmt: skip

PIECES = r"""
a b ab a.b . * ? [ab] [!a] [^b] [a-z] [z-a] [!z-a] []a] [[:alpha:]] [![:digit:]] [[:space:]] [\]]
[a\-z] [-a] [a-] [[:no:]] [ab \a \* \? \[ \\ \! \# ] - ! # à [[] [[:] [b-\z] [^a-] [b/a] 1 A
"""
pieces = st.sampled_from([*PIECES.split(), " ", "\\ ", "\t", "\r", "\\"])
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
lines = patterns | st.sampled_from(
    ["", "# a", "*", "/*", "!*/", "**/", "/", "!", "//a", "a//", "***"]
)
ignore_files = st.lists(lines, max_size=5).map(lambda some: "\n".join(some).encode())

directories = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)
trees = st.tuples(
    st.sets(st.tuples(directories, st.sampled_from(NAMES)), min_size=1, max_size=25),
    st.dictionaries(st.just(()) | directories, st.tuples(ignore_files, ignore_files), max_size=4),
)
Tree = tuple[set[tuple[tuple[bytes, ...], bytes]], dict[tuple[bytes, ...], tuple[bytes, bytes]]]


def make(root: Path, tree: Tree) -> dict[Path, tuple[bytes, bytes]]:
    """Lay the tree out; what cannot be (a file where a directory is) is left out."""
    files, ignores = tree
    for folder, name in sorted(files):
        with suppress(OSError):
            place = root.joinpath(*map(os.fsdecode, folder))
            place.mkdir(parents=True, exist_ok=True)
            (place / os.fsdecode(name)).touch()
    laid = {}
    for folder, (first, second) in ignores.items():
        place = root.joinpath(*map(os.fsdecode, folder))
        if place.is_dir():
            laid[place] = (first, second)
            # git knows one file a directory; the later line wins, as our second file does
            (place / ".gitignore").write_bytes(first + b"\n" + second)
    return laid


def git_keeps(root: Path, git_dir: Path) -> set[bytes]:
    listing = subprocess.run(
        [str(GIT), f"--git-dir={git_dir}", f"--work-tree={root}",
         "ls-files", "-z", "--others", "--exclude-per-directory=.gitignore"],
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    return {path for path in listing.stdout.split(b"\0") if path}


def we_keep(root: Path, laid: dict[Path, tuple[bytes, bytes]]) -> Iterator[bytes]:
    def walk(folder: Path, rules: Rules) -> Iterator[bytes]:
        for place in folder.iterdir():
            name = os.fsencode(place.name)
            if rules.excludes(name, place.is_dir()):
                continue
            if place.is_dir():
                yield from walk(place, rules.child(name, *laid.get(place, (None, None))))
            else:
                yield os.fsencode(place.relative_to(root))

    return walk(root, root_rules(*laid.get(root, (None, None)), builtin=False))


@pytest.fixture(scope="module")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not GIT:
        pytest.skip("git is not installed: nothing to compare with")
    where = tmp_path_factory.mktemp("git")
    subprocess.run([GIT, "init", "-q", "--bare", str(where)], check=True)
    return where


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    return lambda: tmp_path_factory.mktemp("tree")


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(tree=trees)
def test_same_verdicts_as_git(
    tree: Tree, empty_repository: Path, fresh: Callable[[], Path]
) -> None:
    root = fresh()
    laid = make(root, tree)
    assert set(we_keep(root, laid)) == git_keeps(root, empty_repository)
    shutil.rmtree(root)


# --- single lines -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "name", "excluded"),
    [
        (b"*.md", b"a.md", True),
        (b"*.md", b"a.md\n", False),
        ("voilà".encode(), "voilà".encode(), True),
        ("à ".encode(), "à".encode(), True),
        (b"a\\ ", b"a ", True),
        (b"a ", b"a", True),
        (b"a\t", b"a\t", True),
        (b"a\r", b"a", True),
        (b"\xef\xbb\xbfa", b"a", True),
        (b"\xff*", b"\xff\xfe", True),
        (b"[[:digit:]]", b"7", True),
        (b"[[:digit:]]", b"x", False),
        (b"[z-a]", b"m", False),
        (b"[!z-a]", b"m", True),
        (b"[]-]", b"]", True),
        (b"\\#a", b"#a", True),
        (b"#a", b"#a", False),
        (b"[a", b"[a", False),
        (b"a\\", b"a", False),
        (b"a?c", b"abc", True),
        (b"a?c", "aéc".encode(), False),  # git counts bytes
        (b"A", b"a", False),
    ],
)
def test_line(pattern: bytes, name: bytes, excluded: bool) -> None:
    assert bool(root_rules(pattern, builtin=False).excludes(name, False)) is excluded


def test_broken_lines_do_not_disturb_their_neighbours() -> None:
    rules = root_rules(b"[a\nb\\\n[[:no:]]\n*.x\n", builtin=False)
    assert rules.excludes(b"1.x", False) == "*.x (.gitignore:4)"
    assert rules.excludes(b"b", False) is None


def test_many_stars_take_no_exponential_time() -> None:
    rules = root_rules(b"*a" * 60 + b"b", builtin=False)
    began = time.process_time()
    assert rules.excludes(b"a" * 255, False) is None
    assert time.process_time() - began < 1


# --- layers -------------------------------------------------------------------------------------

SECRETS = b"""
.env .env.local server.pem Server.PEM tls.key a.p12 a.pfx a.jks a.keystore a.kdbx id_rsa id_rsa_old
id_ed25519 id_ecdsa id_dsa .netrc _netrc .pgpass .npmrc .pypirc .htpasswd credentials
credentials.json secrets.json secrets.yaml secrets.yml secrets.toml .git
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_secrets_cannot_be_included_again(name: bytes) -> None:
    for rules in (root_rules(b"!*"), root_rules(None, b"!" + name), root_rules().child(b"a")):
        rule = rules.excludes(name, False)
        assert rule is not None
        assert rule.endswith(" (never read)")


@pytest.mark.parametrize("name", [b".aws", b".ssh", b".gnupg", b".kube"])
def test_directories_of_secrets(name: bytes) -> None:
    assert root_rules(b"!*/").child(b"home").excludes(name, True)
    assert root_rules().excludes(name, False) is None


def test_secrets_by_path() -> None:
    for home in (root_rules(), root_rules().child(b"a").child(b"b")):
        assert home.child(b".docker").excludes(b"config.json", False)
        assert home.child(b".config").excludes(b"gcloud", True)
        assert home.child(b"docker").excludes(b"config.json", False) is None


@pytest.mark.parametrize("name", [b"id_rsa.pub", b"keys.py", b"environment.md", b"env"])
def test_what_only_looks_like_a_secret(name: bytes) -> None:
    assert root_rules().excludes(name, False) is None


def test_a_public_key_can_still_be_excluded() -> None:
    assert root_rules(b"*.pub").excludes(b"id_rsa.pub", False) == "*.pub (.gitignore:1)"


def test_credentials_may_be_a_directory() -> None:
    assert root_rules().excludes(b"credentials", True) is None


@pytest.mark.parametrize(
    ("name", "is_dir", "rule"),
    [
        (b"node_modules", True, "node_modules"),
        (b"__pycache__", True, "__pycache__"),
        (b"venv", True, "venv"),
        (b"logs", True, "logs/"),
        (b"a.log", False, "*.log"),
        (b"a.txt~", False, "*~"),
        (b".Trash-1000", True, ".Trash*"),
    ],
)
def test_defaults_can_be_included_again(name: bytes, is_dir: bool, rule: str) -> None:
    assert root_rules().excludes(name, is_dir) == f"{rule} (default)"
    again = b"!" + name + b"\n"
    assert root_rules(again).excludes(name, is_dir) is None
    assert root_rules(None, again).child(b"sub").excludes(name, is_dir) is None
    assert root_rules().child(b"sub", again).excludes(name, is_dir) is None


def test_defaults_for_directories_spare_files() -> None:
    assert root_rules().excludes(b"logs", False) is None


def test_beastignore_has_the_last_word_in_its_directory() -> None:
    assert root_rules(b"!a", b"a").excludes(b"a", False) == "a (.beastignore:1)"
    assert root_rules(b"a", b"!a").excludes(b"a", False) is None
    assert root_rules(None, b"a").child(b"sub", b"!a").excludes(b"a", False) is None


def test_the_rule_names_its_place() -> None:
    rules = root_rules().child(b"sub", b"# comment\n\nbuild/\n").child(b"x").child(b"\xff", b"y")
    assert rules.excludes(b"build", True) == "build/ (sub/.gitignore:3)"
    assert rules.excludes(b"y", True) == "y (sub/x/\\xff/.gitignore:1)"


def test_rules_of_a_directory_do_not_leak_into_its_neighbour() -> None:
    root = root_rules(b"a/x\n/b/**/y\n")
    assert root.child(b"a").excludes(b"x", False)
    assert root.child(b"b").excludes(b"x", False) is None
    assert root.child(b"b").child(b"1").child(b"2").excludes(b"y", False)
    assert root.child(b"c").child(b"b").excludes(b"y", False) is None


@given(
    ignore_files,
    st.lists(st.sampled_from(NAMES) | st.sampled_from([b".env.x", b"x.PEM", b"x~", b"ID_RSA"])),
    st.booleans(),
)
def test_one_look_at_all_names_of_a_directory_misses_no_rule(
    lines: bytes, names: list[bytes], builtin: bool
) -> None:
    rules = root_rules(lines, builtin=builtin)
    spoken = any(rules.excludes(name, is_dir) for name in names for is_dir in (True, False))
    assert rules.may_exclude(b"/".join(names)) or not spoken


def test_one_look_clears_plain_names() -> None:
    assert not root_rules().may_exclude(b"document.md/main.rs/pem/keys.txt/environment")
