"""What lies where in the home folder, and its creation."""

from importlib.resources import files
from pathlib import Path

from beast_assets.core.private import close, close_all, private_files
from beast_assets.core.settings import Settings
from beast_assets.core.settings_table import sqlite_url

LOCK_NAME = "writer.lock"


def lock_path(settings: Settings) -> Path:
    """The file that the one writer holds locked."""
    return settings.home / LOCK_NAME


def dagster_home(settings: Settings) -> Path:
    """The home's own Dagster instance (``DAGSTER_HOME``)."""
    return settings.home / "dagster"


def cache_url(settings: Settings) -> str:
    """Where vectors are cached: beside an SQLite ledger, else in the ledger's database."""
    if settings.ledger_url.startswith("sqlite"):
        return sqlite_url(settings.home / "embeddings.sqlite")
    return settings.ledger_url


def prepare_home(settings: Settings) -> None:
    """Create the home and its Dagster instance; of what exists only the home's mode alters."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    close(settings.home)
    instance = dagster_home(settings)
    with private_files():
        instance.mkdir(exist_ok=True)
        config = instance / "dagster.yaml"
        if not config.exists():
            template = files("beast_assets.core").joinpath("dagster.yaml")
            partial = config.with_suffix(".partial")
            partial.write_bytes(template.read_bytes())
            partial.replace(config)


def close_home(settings: Settings) -> None:
    """Mend the modes of what others make in the home: Dagster's processes, an older version."""
    for folder in (dagster_home(settings), settings.home / "index"):
        close_all(folder)
