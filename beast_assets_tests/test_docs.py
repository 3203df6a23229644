"""Documentation that cannot go stale: its commands parse, its tables are the code's own."""

import re
import shlex
from pathlib import Path

import click
import pytest

from beast_assets.cli import cli
from beast_assets.core import errors
from beast_assets.core.settings import describe_settings

TOP = Path(__file__).resolve().parents[1]
README = (TOP / "README.md").read_text()


def shell_lines() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [shlex.split(line, comments=True) for line in lines]


COMMANDS = [words[1:] for words in shell_lines() if words[0] == "beast"]


def parse(words: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    command.make_context(command.name, list(words))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_of_the_readme_parse(words: list[str]) -> None:
    parse(words)


def test_a_wrong_command_would_not() -> None:
    with pytest.raises(click.ClickException):
        parse(["index", "--no-such-option"])


def test_readme_shows_every_command() -> None:
    shown = {words[0] for words in COMMANDS}
    assert shown == set(cli.commands)


def test_readme_lists_every_setting() -> None:
    rows = [
        f"| `{name}` | {default} | {meaning} |" for name, default, meaning in describe_settings()
    ]
    assert "\n".join(rows) in README


def test_readme_lists_every_exit_code() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert listed == {0} | {kind.exit_code for kind in kinds if issubclass(kind, errors.BeastError)}


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    named = {words[1] for words in shell_lines() if words[0] == "make"}
    assert named <= targets


def test_links_lead_somewhere() -> None:
    for page in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_design_names_tests_that_exist() -> None:
    for name in re.findall(r"`(test_\w+\.py)`", (TOP / "docs" / "design.md").read_text()):
        assert (TOP / "beast_assets_tests" / name).exists(), name


def test_nothing_names_this_machine() -> None:
    own = re.compile(r"/(?:work|root|home/\w+)/")
    for page in [TOP / "README.md", TOP / "Makefile", *sorted((TOP / "docs").glob("*.md"))]:
        assert not own.search(page.read_text()), page.name
