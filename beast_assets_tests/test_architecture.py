"""The rooms of the house: who may import whom, and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import beast_assets

PACKAGE = Path(beast_assets.__file__).parent
HEAVY = [
    "dagster",
    "torch",
    "transformers",
    "sentence_transformers",
    "lancedb",
    "pandas",
    "openvino",
]
ALLOWED = {
    "core": {"core"},
    "defs": {"core", "defs"},
    "definitions": {"core", "defs"},
    "indexing": {"core", "defs"},
    "watch": {"core", "defs", "indexing"},
    "dev": {"core"},
    "doctor": {"core", "defs"},
    "bench": {"core"},
    "serving": {"core", "serving"},
    "integrations": {"core", "integrations"},
    "cli": {"core", "indexing", "watch", "dev", "doctor", "bench", "serving", "cli"},
    "__init__": {"core"},
}


def room(module: str) -> str:
    """``core`` for ``beast_assets.core.scan``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file, relative names resolved."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            found.add(".".join([*base, *filter(None, [node.module])]))
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    ours = {room(name) for name in imports(path) if name.split(".")[0] == "beast_assets"}
    assert ours - {"__init__"} <= ALLOWED[place]


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=lambda p: p.name)
def test_core_knows_nothing_of_dagster(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0].startswith("dagster")]


CORE = [
    ".".join(["beast_assets", *path.relative_to(PACKAGE).with_suffix("").parts])
    for path in sorted((PACKAGE / "core").rglob("*.py"))
    if path.stem not in ("__init__", "hashing_backend")  # the one that needs numpy from the start
]


@pytest.mark.parametrize("modules", [["beast_assets.cli"], CORE], ids=["cli", "core"])
def test_importing_is_light(modules: list[str]) -> None:
    program = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_loading_the_definitions_imports_no_model_and_no_index() -> None:
    program = (
        "import sys, beast_assets.definitions\n"
        "heavy = ['torch', 'lancedb', 'sentence_transformers', 'transformers']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
