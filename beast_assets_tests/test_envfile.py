"""The env file parser against real bash: equal values, or a refusal that says why."""

import os
import random
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beast_assets.core.envfile import parse_env, read_env_file
from beast_assets.core.errors import UsageError

BASH = shutil.which("bash") or ""
ENV = shutil.which("env") or ""
needs_bash = pytest.mark.skipif(not (BASH and ENV), reason="bash or env is not installed")

ENVIRON = {
    "PATH": os.defpath,
    "HOME": "/home/us er",
    "LC_ALL": "C.UTF-8",
    "X": "x y  z",
    "LATIN": "caf\udce9",
    "ODD": "'\"\\$X`~:*#",
    "COLON": "a:",
    "EMPTY": "",
}
# What every bash adds or changes in the environment of what it starts.
BASH_ADDS = {"PWD", "SHLVL", "_", "OLDPWD"}

BATCH = f"""
while (($#)); do
  ( set -a; source "$1"; exec {ENV} -0 >"$1.out" ); shift
done"""
ONE = f'set -a; source "$1"; {ENV} -0'


def to_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def split_env(output: bytes) -> dict[str, str]:
    pairs = (entry.partition(b"=") for entry in output.split(b"\0") if entry)
    return {to_text(name): to_text(value) for name, _, value in pairs}


def run_bash(script: str, *arguments: str, environ: Mapping[str, str]) -> bytes:
    command = [BASH, "--norc", "--noprofile", "-c", script, "bash", *arguments]
    done = subprocess.run(
        command, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    return done.stdout


def bash_env(data: bytes, folder: Path, environ: Mapping[str, str] = ENVIRON) -> dict[str, str]:
    path = folder / "one.env"
    path.write_bytes(data)
    return split_env(run_bash(ONE, str(path), environ=environ))


def bash_envs(files: list[bytes], folder: Path, environ: Mapping[str, str]) -> list[dict[str, str]]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.env" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    run_bash(BATCH, *map(str, paths), environ=environ)
    return [split_env(path.with_name(path.name + ".out").read_bytes()) for path in paths]


def parse(data: bytes, environ: Mapping[str, str] = ENVIRON) -> dict[str, str] | None:
    try:
        return parse_env(data, environ=environ, filename="f.env")
    except UsageError:
        return None


def same(parsed: dict[str, str], in_bash: dict[str, str], environ: Mapping[str, str]) -> bool:
    """The whole environment is compared, so an assignment nobody saw counts as a difference."""
    expected = {**environ, **parsed}
    names = (expected.keys() | in_bash.keys()) - (BASH_ADDS - parsed.keys())
    return all(expected.get(name) == in_bash.get(name) for name in names)


ACCEPTED = [
    (b"", {}),
    (b"\n\n  \t\n", {}),
    (b"# only a comment", {}),
    (b"A=1", {"A": "1"}),
    (b"A=1\n", {"A": "1"}),
    (b"A=", {"A": ""}),
    (b"A=\nB=2", {"A": "", "B": "2"}),
    (b"  A=1", {"A": "1"}),
    (b"A=1 B=2\tC=3", {"A": "1", "B": "2", "C": "3"}),
    (b"A=1 B=$A", {"A": "1", "B": "1"}),
    (b"A=1\nA=2", {"A": "2"}),
    (b"A=1\nA=${A}2", {"A": "12"}),
    (b"export A=1", {"A": "1"}),
    (b"export\tA=1 B=2 # c", {"A": "1", "B": "2"}),
    (b"export A=1 B=$A", {"A": "1", "B": ""}),
    (b"export X", {}),
    (b"export NOT_SET", {}),
    (b"A=1\nexport A X B=2", {"A": "1", "B": "2"}),
    (b"export=1", {"export": "1"}),
    (b"_a1=x", {"_a1": "x"}),
    (b"A=1 # c\n#A=2\n  # A=3", {"A": "1"}),
    (b"A=a#b", {"A": "a#b"}),
    (b"A=#x", {"A": "#x"}),
    (b"A=''#x", {"A": "#x"}),
    (b"# a \\\nA=1", {"A": "1"}),
    (b"# it's\nA=1", {"A": "1"}),
    (b"A='a b  c'", {"A": "a b  c"}),
    (b"A='$X `x` \\ \"'", {"A": '$X `x` \\ "'}),
    (b"A='a\nb'\nB=1", {"A": "a\nb", "B": "1"}),
    (b"A='a\\\nb'", {"A": "a\\\nb"}),
    (b'A="a b  c"', {"A": "a b  c"}),
    (b'A="a\nb"', {"A": "a\nb"}),
    (b'A="a\\\nb"', {"A": "ab"}),
    (b'A="\\$X \\` \\" \\\\ \\n \\a \' #"', {"A": "$X ` \" \\ \\n \\a ' #"}),
    (b'A="[$X]"', {"A": "[x y  z]"}),
    (b'A="${X}y"', {"A": "x y  zy"}),
    (b"A=\"$'x'\"", {"A": "$'x'"}),
    (b'A="$"', {"A": "$"}),
    (b'A="$ $. \\$(x)"', {"A": "$ $. $(x)"}),
    (b"A=\"a\"b'c'\\ d", {"A": "abc d"}),
    (b'A=""', {"A": ""}),
    (b"A=a\\ b\\$X\\'\\\"\\\\\\;", {"A": "a b$X'\"\\;"}),
    (b"A=\\a\\~", {"A": "a~"}),
    (b"A=1\\\n2", {"A": "12"}),
    (b"A=1 \\\n  B=2", {"A": "1", "B": "2"}),
    (b"A=1 \\\n# c\nB=2", {"A": "1", "B": "2"}),
    (b"A\\\n=1", {"A": "1"}),
    (b"ex\\\nport A=1", {"A": "1"}),
    (b"A=1\\\n", {"A": "1"}),
    (b"A=$\\\nX", {"A": "x y  z"}),
    (b"A=${X\\\n}", {"A": "x y  z"}),
    (b"A=$X", {"A": "x y  z"}),
    (b"export A=$X", {"A": "x y  z"}),
    (b"A=$X$X", {"A": "x y  zx y  z"}),
    (b"A=$ODD", {"A": "'\"\\$X`~:*#"}),
    (b"A=$NOT_SET.", {"A": "."}),
    (b"A=${NOT_SET}x", {"A": "x"}),
    (b"X=1\nA=$X", {"X": "1", "A": "1"}),
    (b"A=$", {"A": "$"}),
    (b"A=$.x$/$,$=$%$:", {"A": "$.x$/$,$=$%$:"}),
    (b"A=$\\X", {"A": "$X"}),
    (b"A=~", {"A": "/home/us er"}),
    (b"A=~/x", {"A": "/home/us er/x"}),
    (b"A=~:~/x:~", {"A": "/home/us er:/home/us er/x:/home/us er"}),
    (b"A=a:~/x:b~:c", {"A": "a:/home/us er/x:b~:c"}),
    (b"export A=a:~", {"A": "a:/home/us er"}),
    (b"A=$X:~", {"A": "x y  z:/home/us er"}),
    (b"A=$COLON~", {"A": "a:~"}),
    (b"A=x\\:~", {"A": "x:~"}),
    (b'A=x":"~/y', {"A": "x:~/y"}),
    (b"A='~'/x", {"A": "~/x"}),
    (b'A="~/x"', {"A": "~/x"}),
    (b"A=a~/b=~", {"A": "a~/b=~"}),
    (b"export A=b=~", {"A": "b=~"}),
    (b"HOME=/q A=~/x", {"HOME": "/q", "A": "/q/x"}),
    (b"export HOME=/q A=~/x", {"HOME": "/q", "A": "/home/us er/x"}),
    (b"HOME=\nA=~/x", {"HOME": "", "A": "/x"}),
    (b"HOME=/q/\nA=~", {"HOME": "/q/", "A": "/q/"}),
    (b"A=*[a-z]?{a,b}!^@%+-", {"A": "*[a-z]?{a,b}!^@%+-"}),
    (b"export A=*", {"A": "*"}),
    (b"export A='{a,b}'", {"A": "{a,b}"}),
    (b"A=a=b", {"A": "a=b"}),
    (b"A=\xff\xfe", {"A": "\udcff\udcfe"}),
    (b"A='\xc3\xa9'\xc3\xa9", {"A": "éé"}),
    (b"L=$LATIN", {"L": "caf\udce9"}),
    (b"L=\xc3\nM=$L'\xa9'", {"L": "\udcc3", "M": "é"}),
    (b"PATH=/opt/bin:$PATH", {"PATH": f"/opt/bin:{os.defpath}"}),
    (b"PWD=/x\nA=$PWD", {"PWD": "/x", "A": "/x"}),
]

REFUSED = [
    (b"A=$(touch x)", 1, "$(...)"),
    (b'A="$(touch x)"', 1, "$(...)"),
    (b"A=$((1+2))", 1, "$(...)"),
    (b"A=$[1+2]", 1, "$[...]"),
    (b"A=`touch x`", 1, "backquotes"),
    (b'A="`touch x`"', 1, "backquotes"),
    (b"A=1\nB='a\nb' C=${X:-1}", 3, "only ${NAME}"),
    (b"A=${X-1}", 1, "only ${NAME}"),
    (b"A=${#X}", 1, "only ${NAME}"),
    (b"A=${!X}", 1, "only ${NAME}"),
    (b"A=${X%y}", 1, "only ${NAME}"),
    (b"A=${1}", 1, "only ${NAME}"),
    (b"A=${}", 1, "only ${NAME}"),
    (b"A=${X", 1, "only ${NAME}"),
    (b'A="${X:-1}"', 1, "only ${NAME}"),
    (b"A=$'a\\n'", 1, "$'...'"),
    (b'A=$"a"', 1, '$"..."'),
    *[(b"A=$" + sign, 1, "special parameter") for sign in (b"$", b"1", b"@", b"*", b"#")],
    *[(b'A="$' + sign + b'"', 1, "special parameter") for sign in (b"?", b"-", b"!", b"0")],
    (b"A=$_", 1, "set by bash itself"),
    (b"A=~root", 1, "only ~ and ~/"),
    (b"A=~+", 1, "only ~ and ~/"),
    (b"A=~$X", 1, "only ~ and ~/"),
    (b"A=x:~\\/y", 1, "only ~ and ~/"),
    (b"HOME=/\nA=~/x", 2, "HOME ends with a slash"),
    (b"A=1; B=2", 1, "an unquoted ;"),
    (b"A=1 & B=2", 1, "an unquoted &"),
    (b"A=1|cat", 1, "an unquoted |"),
    (b"A=<f", 1, "an unquoted <"),
    (b"A=1 >f", 1, "an unquoted >"),
    (b"A=(1 2)", 1, "an unquoted ("),
    (b"A=1)", 1, "an unquoted )"),
    (b"(A=1)", 1, "an unquoted ("),
    (b"A=b c", 1, "a command or a stray word"),
    (b"A=b# c", 1, "a command or a stray word"),
    (b"A = b", 1, "a command or a stray word"),
    (b"\n\necho x", 3, "a command or a stray word"),
    (b"source x", 1, "a command or a stray word"),
    (b". x", 1, "a command or a stray word"),
    (b"unset A", 1, "a command or a stray word"),
    (b"readonly A=1", 1, "a command or a stray word"),
    (b"declare -x A=1", 1, "a command or a stray word"),
    (b"export -n A", 1, "a command or a stray word"),
    (b"export $X", 1, "a command or a stray word"),
    (b"export 'A=1'", 1, "a command or a stray word"),
    (b"A=1 export B=2", 1, "a command or a stray word"),
    (b"1A=2", 1, "a command or a stray word"),
    (b"A-B=2", 1, "a command or a stray word"),
    (b"'A'=2", 1, "a command or a stray word"),
    (b"\xc3\xa9=2", 1, "a command or a stray word"),
    (b"{ A=1", 1, "a command or a stray word"),
    (b"export", 1, "export without a name"),
    (b"A+=x", 1, "NAME+=value"),
    (b"A[0]=x", 1, "arrays"),
    (b"export A={a,b}", 1, "bash may expand a {"),
    (b"A=1\r\nB=2\r\n", 1, "a carriage return"),
    (b"A=1\nB='\r'", 2, "a carriage return"),
    (b"A=\0", 1, "a NUL byte"),
    (b"\xef\xbb\xbfA=1", 1, "a byte order mark"),
    (b"A=\x01", 1, "a control character (0x01)"),
    (b"A=\x7f", 1, "a control character (0x7f)"),
    (b"B=1\nA='x\n\n", 2, "this single quote is never closed"),
    (b'B=1\nA="x\n\n', 2, "this double quote is never closed"),
    (b"A=x\\", 1, "a lone backslash"),
    (b"A=$X\xc3\xa9", 1, "depends on the locale"),
    (b"LC_ALL=ja_JP.SJIS\nA=\xc3\xa9", 1, "no UTF-8 locale"),
    (b"A=" + b"x" * 131_071, 1, "too long"),
    (b"A=" + b"x" * 70_000 + b'\nB="$A$A\n"', 2, "too long"),
    (b"A=" + b"x" * 100_000 + b"\nA=$A" * 20, 11, "too much"),
]


@needs_bash
@pytest.mark.parametrize(("data", "values"), ACCEPTED, ids=repr)
def test_accepted_as_in_bash(data: bytes, values: dict[str, str], tmp_path: Path) -> None:
    assert parse_env(data, environ=ENVIRON, filename="f.env") == values
    assert same(values, bash_env(data, tmp_path), ENVIRON)


@pytest.mark.parametrize(("data", "line", "what"), REFUSED, ids=lambda value: repr(value)[:40])
def test_refused_with_place_and_remedy(data: bytes, line: int, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_env(data, environ=ENVIRON, filename="dir/f.env")
    message = str(caught.value)
    assert message.startswith(f"dir/f.env:{line}: ")
    assert what in message
    assert "; " in message


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for data in (b"A=$(touch x)", b"A=`touch x`", b'A="$(touch x)"', b"touch x", b"A=<(touch x)"):
        assert parse(data) is None
    assert parse(b"A='$(touch x)' B='`touch x`'") is not None
    assert not (tmp_path / "x").exists()


# Every variable in bash's manual whose name is not plainly the user's.
BASH_NAMES = """
_ BASH BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND
BASH_COMPAT BASH_ENV BASH_EXECUTION_STRING BASH_LINENO BASH_LOADABLES_PATH BASH_MONOSECONDS
BASH_REMATCH BASH_SOURCE BASH_SUBSHELL BASH_TRAPSIG BASH_VERSINFO BASH_VERSION BASH_XTRACEFD
CDPATH CHILD_MAX COLUMNS COMPREPLY COMP_CWORD COMP_KEY COMP_LINE COMP_POINT COMP_TYPE
COMP_WORDBREAKS COMP_WORDS COPROC DIRSTACK EMACS ENV EPOCHREALTIME EPOCHSECONDS EUID EXECIGNORE
FCEDIT FIGNORE FUNCNAME FUNCNEST GLOBIGNORE GLOBSORT GROUPS HISTCMD HISTCONTROL HISTFILE
HISTFILESIZE HISTIGNORE HISTSIZE HISTTIMEFORMAT HOME HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF
INPUTRC INSIDE_EMACS LANG LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_NUMERIC LC_TIME LINENO LINES
MACHTYPE MAIL MAILCHECK MAILPATH MAPFILE OLDPWD OPTARG OPTERR OPTIND OSTYPE PATH PIPESTATUS
POSIXLY_CORRECT PPID PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 PWD RANDOM
READLINE_ARGUMENT READLINE_LINE READLINE_MARK READLINE_POINT REPLY SECONDS SHELL SHELLOPTS SHLVL
SRANDOM TERM TIMEFORMAT TMOUT TMPDIR TZ UID auto_resume histchars ignoreeof
"""


@needs_bash
@pytest.mark.parametrize("form", ["A=[${%s}]", "export %s", "%s=07x\nA=$%s", "%s=\nA=~:$%s"])
@pytest.mark.parametrize("start", [None, "7", "a b"])
def test_bash_variables_are_right_or_refused(form: str, start: str | None, tmp_path: Path) -> None:
    base = {"PATH": os.defpath, "HOME": "/h"}
    wrong = []
    for name in BASH_NAMES.split():
        data = form.replace("%s", name).encode()
        environ = base if start is None else {**base, name: start}
        parsed = parse(data, environ)
        if parsed is not None and not same(parsed, bash_env(data, tmp_path, environ), environ):
            wrong.append(name)
    assert wrong == []


@needs_bash
@pytest.mark.parametrize("name", ["PATH", "HOME", "TERM", "SHELL", "HOSTNAME", "LANG", "TZ"])
def test_common_variables_are_not_refused(name: str) -> None:
    assert parse(b"A=$%b" % name.encode(), {name: "C"}) == {"A": "C"}
    assert parse(b"%b=C" % name.encode()) == {name: "C"}


@needs_bash
def test_pwd_only_where_bash_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path.resolve() / "here"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    environ = ENVIRON | {"PWD": str(folder)}
    assert parse(b"A=$PWD", environ) == {"A": bash_env(b"A=$PWD", tmp_path, environ)["A"]}
    for other in ("/", ".", f"{folder}/", str(tmp_path / "gone"), str(tmp_path / "link")):
        assert parse(b"A=$PWD", ENVIRON | {"PWD": other}) is None
    assert parse(b"A=$PWD") is None


def test_refusals_that_depend_on_the_environment() -> None:
    assert parse(b"A=1", {"SHELLOPTS": "nounset"}) is None
    assert parse(b"export A=1", {"BASH_FUNC_export%%": "() { :; }"}) is None
    assert parse(b"A=~", {}) is None
    assert parse(b"A=\xc3\xa9", {"LC_ALL": "", "LANG": "zh_TW.BIG5"}) is None
    assert parse(b"A=e", {"LANG": "zh_TW.BIG5"}) == {"A": "e"}
    assert parse(b"A=\xc3\xa9", {"LC_ALL": "de_DE.UTF-8@euro", "LANG": "zh_TW.BIG5"}) is not None
    assert parse(b"A=\xc3\xa9", {}) == {"A": "é"}


def test_no_value_in_a_refusal() -> None:
    with pytest.raises(UsageError) as caught:
        parse_env(b"PASSWORD=correct horse battery", environ=ENVIRON, filename="f.env")
    assert "horse" not in str(caught.value)
    assert "correct" not in str(caught.value)


def test_read_env_file(tmp_path: Path) -> None:
    path = tmp_path / "paths.env"
    assert read_env_file(path, ENVIRON) == {}
    path.write_bytes(b"A=$X\n")
    assert read_env_file(path, ENVIRON) == {"A": "x y  z"}
    path.write_bytes(b"\n;")
    with pytest.raises(UsageError, match=r"paths\.env:2: an unquoted ;"):
        read_env_file(path, ENVIRON)
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(UsageError, match="over 262144 bytes"):
        read_env_file(path, ENVIRON)


def test_read_env_file_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a plain file"):
        read_env_file(tmp_path, ENVIRON)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="not a plain file"):
        read_env_file(tmp_path / "fifo", ENVIRON)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="cannot be read"):
        read_env_file(tmp_path / "loop", ENVIRON)


BARE = [b"a", b"b1", b"/", b":", b"~", b"~/", b".", b"=", b"*", b"{", b"}", b"-", b"%", b"#", b"!"]
BARE += [
    b"\\ ",
    b"\\$",
    b"\\\\",
    b"\\'",
    b'\\"',
    b"\\~",
    b"\\:",
    b"\\\n",
    b"\\a",
    b"$",
    b"$.",
    b"^",
]
BARE += [b"$A", b"${B}", b"$X", b"$ODD", b"$COLON", b"${LATIN}", b"$EMPTY", b"\xc3\xa9", b"\xff"]
IN_DOUBLE = [b" ", b"\n", b"'", b"#", b"\\n", b'\\"', b"\\`", b"\\\n", b"\\\\", b"~", b":~", b";"]
IN_DOUBLE += [
    b"$A",
    b"${B}",
    b"$ ",
    b"\\$",
    b"$X",
    b"${ODD}",
    b"a",
    b"\xc3\xa9 ",
    b"\xff",
    b"(",
    b"$'",
]
IN_SINGLE = [
    b" ",
    b"\n",
    b'"',
    b"\\",
    b"\\\n",
    b"$A",
    b"`x`",
    b"#",
    b"a",
    b"\xff",
    b"~",
    b"$(x)",
    b";",
]
HOSTILE = [
    b"`x`",
    b"$(x)",
    b"${A:-b}",
    b";",
    b"&",
    b"|",
    b"<x",
    b">x",
    b"(",
    b")",
    b"$'a'",
    b'$"a"',
]
HOSTILE += [
    b" c",
    b"'",
    b'"',
    b"$$",
    b"$1",
    b"~r",
    b"\\",
    b"$UID",
    b"$A\xff",
    b" export B=1",
    b" B+=1",
]


def make_value(source: random.Random, hostility: float) -> bytes:
    pieces = []
    for _ in range(source.choice((0, 1, 1, 2, 3, 4, 6))):
        kind = source.random()
        inner = range(source.randrange(5))
        if kind < hostility:
            pieces.append(source.choice(HOSTILE))
        elif kind < 0.6:
            pieces.append(source.choice(BARE))
        elif kind < 0.8:
            pieces.append(b'"' + b"".join(source.choice(IN_DOUBLE) for _ in inner) + b'"')
        else:
            pieces.append(b"'" + b"".join(source.choice(IN_SINGLE) for _ in inner) + b"'")
    return b"".join(pieces)


def make_file(source: random.Random, hostility: float) -> bytes:
    lines = []
    for _ in range(source.randrange(1, 6)):
        word = source.choice((b"", b"", b"", b"export ", b" ", b"export \\\n"))
        names = [
            source.choice((b"A", b"B", b"C", b"HOME", b"X"))
            for _ in range(source.choice((1, 1, 2, 3)))
        ]
        pairs = [name + b"=" + make_value(source, hostility) for name in names]
        if word.startswith(b"export") and source.random() < 0.3:
            pairs.insert(source.randrange(len(pairs) + 1), source.choice((b"A", b"X", b"NEW")))
        blank = source.choice((b" ", b"  ", b"\t", b" \\\n "))
        end = source.choice((b"", b"", b" ", b' # it\'s "a" $(comment) \\', b" #"))
        lines.append(word + blank.join(pairs) + end)
    return source.choice((b"\n", b"\n\n", b"\n# c\n")).join(lines) + source.choice((b"", b"\n"))


def assert_as_in_bash(files: list[bytes], folder: Path, environ: Mapping[str, str]) -> int:
    """Compare the files the parser accepts with bash; return how many these are."""
    accepted = [(data, parsed) for data in files if (parsed := parse(data, environ)) is not None]
    in_bash = bash_envs([data for data, _ in accepted], folder, environ)
    for (data, parsed), real in zip(accepted, in_bash, strict=True):
        assert same(parsed, real, environ), (data, parsed, real)
    return len(accepted)


LOCALES = [
    {},
    {"LC_ALL": "C"},
    {"LC_ALL": "C.UTF-8", "POSIXLY_CORRECT": "1"},
    {"HOME": "/a:b/~", "X": "\x01\x7f\x1b"},
    {"HOME": "/", "COLON": ":~:"},
]


@needs_bash
@pytest.mark.parametrize("change", LOCALES, ids=str)
def test_seeded_files_as_in_bash_and_mostly_accepted(
    change: dict[str, str], tmp_path: Path
) -> None:
    source = random.Random(20261122)
    files = [make_file(source, hostility=0.0) for _ in range(400)]
    accepted = assert_as_in_bash(files, tmp_path / "mild", ENVIRON | change)
    assert accepted >= 0.7 * len(files), accepted
    files = [make_file(source, hostility=0.1) for _ in range(400)]
    accepted = assert_as_in_bash(files, tmp_path / "hostile", ENVIRON | change)
    assert 0.05 * len(files) <= accepted <= 0.5 * len(files), accepted


raw_soup = st.lists(
    st.sampled_from(
        [b"A=", b"B=", b" ", b"\n", b"export ", *BARE, *IN_DOUBLE, *IN_SINGLE, *HOSTILE]
    ),
    max_size=12,
).map(lambda pieces: b"A=" + b"".join(pieces))
made = st.builds(
    make_file, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.0, 0.02, 0.1])
)


@needs_bash
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=st.lists(st.one_of(made, made, raw_soup), min_size=10, max_size=30))
def test_generated_files_as_in_bash(
    files: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert_as_in_bash(files, tmp_path_factory.mktemp("generated"), ENVIRON)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_give_values_or_a_usage_error(data: bytes) -> None:
    parsed = parse(b"A=1\n" + data, {})
    assert parsed is None or "A" in parsed
