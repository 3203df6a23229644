"""Deaths, errors, rivals and damage at every write of ours: see the package ``faults``."""

import json
import subprocess
import sys
from typing import Any

import pytest

PARTS = ("kills", "errors", "pairs", "damage")
# What a whole run has at the least, whatever the number of writes becomes.
WANTED = {"kills": 200, "errors": 50, "pairs": 20, "damage": 20}


def run(*words: str) -> dict[str, Any]:
    # A process of its own: it forks, and this one may have used LanceDB.
    command = [sys.executable, "-m", "beast_assets_tests.faults", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return run("--quick")


@pytest.mark.parametrize("part", PARTS)
def test_sample_of_faults_ends_in_clean_builds(sample: dict[str, Any], part: str) -> None:
    assert sample["parts"][part]["cases"] > 0
    assert {name: found for name, found in sample["failed"].items() if name.startswith(part)} == {}


@pytest.mark.proof
def test_every_fault_ends_in_a_clean_build() -> None:
    found = run()
    assert found["failed"] == {}
    assert {part: row["cases"] for part, row in found["parts"].items() if row["cases"]} == {
        part: max(found["parts"][part]["cases"], least) for part, least in WANTED.items()
    }
