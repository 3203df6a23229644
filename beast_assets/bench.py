"""``beast bench``: runs the benchmarks of the checkout that this package lies in."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from beast_assets.core.errors import UsageError

CHECKOUT = Path(__file__).resolve().parent.parent


def run_benchmarks(words: Sequence[str], checkout: Path = CHECKOUT) -> int:
    """Run ``python -m benchmarks`` in the checkout and give its exit code.

    Args:
        words: what follows the name of the program.
        checkout: the folder that holds the package ``benchmarks``.

    Raises:
        UsageError: it is not there: the benchmarks are not installed with the package.
    """
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        raise UsageError(
            f"there are no benchmarks in {checkout}: they come with the checkout, so run"
            " `beast bench` from an editable install of one (`make install`)"
        )
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(command, cwd=checkout, check=False).returncode  # noqa: S603
