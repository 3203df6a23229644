"""The code location: ``defs`` as Dagster loads it, ``build_defs`` to build it with parts replaced.

``workspace.yaml`` and ``dagster -m beast_assets.definitions`` find it here. No asset, resource or
sensor is written here: they are in ``beast_assets.defs``.
"""

import os

from beast_assets.defs.build import build_defs

__all__ = ["build_defs", "defs"]

# This is where a process of Dagster becomes one of ours: what it writes from now on, logs and
# events too, is for its user alone.
os.umask(0o077)
defs = build_defs()
