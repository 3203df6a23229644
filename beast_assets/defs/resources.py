"""Resources adapt plain objects of ``core``; they hold no logic of their own."""

import dagster as dg

from beast_assets.core.settings import Settings
from beast_assets.core.settings_cache import get_settings


class SettingsResource(dg.ConfigurableResource[Settings]):
    """The settings, read through the process's cache: no shell, no file read while they hold.

    A field that is given here overrides ``paths.env``, ``ports.env`` and ``BEAST_*``.
    """

    home: str | None = None
    model: str | None = None
    threads: int | None = None

    def get(self) -> Settings:
        """The settings as they are now."""
        return get_settings({"home": self.home, "model": self.model, "threads": self.threads})
