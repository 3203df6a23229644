"""LanceDB without the part of it that is never used, and with it when somebody does use it."""

import subprocess
import sys

CLIENT = "lance_namespace_urllib3_client"


def run(program: str) -> str:
    """In an interpreter of its own: what was imported before would hide what is."""
    command = [sys.executable, "-c", f"import sys\nCLIENT = {CLIENT!r}\n{program}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_client_is_not_imported_with_lancedb() -> None:
    ours = "from beast_assets.core.lance import lancedb; lancedb()"
    look = "print(any(name.startswith(CLIENT + '.api.') for name in sys.modules))"
    assert run(f"{ours}; {look}") == "False"
    assert run(f"import lancedb; {look}") == "True"  # else there is nothing to avoid any more


def test_whoever_asks_for_the_client_gets_it() -> None:
    program = """
from beast_assets.core.lance import lancedb
lancedb()
import lance_namespace_urllib3_client as package
from lance_namespace_urllib3_client import TableApi, models
from lance_namespace_urllib3_client.models import CreateTableRequest
assert TableApi.__module__ == CLIENT + ".api.table_api"
assert TableApi(package.ApiClient()).create_table
assert package.CreateTableRequest is models.CreateTableRequest is CreateTableRequest
assert package.__version__
try:
    package.nonsense
except AttributeError as error:
    print(error)
"""
    assert run(program) == f"module '{CLIENT}' has no attribute 'nonsense'"


def test_what_is_imported_already_stays() -> None:
    program = """
import lance_namespace_urllib3_client as package
from beast_assets.core.lance import lancedb
lancedb()
print(sys.modules[CLIENT] is package and "TableApi" in vars(package))
"""
    assert run(program) == "True"
