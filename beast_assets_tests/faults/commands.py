"""The ``beast`` command in a forked child, as a user runs it."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from beast_assets_tests.faults.boundaries import Boundaries
from beast_assets_tests.faults.scenes import ENVIRONMENT, Scene


def beast(
    scene: Scene, home: Path, *words: str, boundaries: Boundaries | None = None
) -> Callable[[], list[str]]:
    """The work of a child: the command, with faults where ``boundaries`` puts them."""

    def work() -> list[str]:
        from beast_assets import cli

        scene.encoded.watch_model()
        if boundaries is not None:
            boundaries.install()
        os.environ.update(ENVIRONMENT | {"BEAST_HOME": str(home)})
        sys.argv = ["beast", *words]
        try:
            cli.main()
        except SystemExit as error:
            if error.code:
                raise
        return [] if boundaries is None else boundaries.crossed

    return work
