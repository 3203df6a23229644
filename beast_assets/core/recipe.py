"""What an index is built with, as plain text that can be stored and compared."""

from collections.abc import Mapping

from beast_assets.core.chunking import chunker_recipe
from beast_assets.core.embedding import model_fingerprint
from beast_assets.core.errors import RecipeMismatchError
from beast_assets.core.settings import Settings
from beast_assets.core.text import EXTRACTORS
from beast_assets.core.text.secrets import VERSION as SECRETS_VERSION


def current_recipe(settings: Settings) -> dict[str, str]:
    """The recipe that these settings and this version of the code give; loads no model."""
    recipe = {
        "model": model_fingerprint(settings.model),
        "chunker": chunker_recipe(settings),
        "secrets": str(SECRETS_VERSION) if settings.secret_scan else "off",
    }
    recipe |= {f"extractor {name}": str(version) for name, version in EXTRACTORS.items()}
    return recipe


def check_recipe(stored: Mapping[str, str] | None, current: Mapping[str, str]) -> None:
    """Compare the recipe of an index with today's.

    Raises:
        RecipeMismatchError: naming each difference and the command that resolves it.
    """
    if stored is None or dict(stored) == dict(current):
        return
    differences = [
        f"{key}: the index has {stored.get(key, 'none')}, today's is {current.get(key, 'none')}"
        for key in sorted(stored.keys() | current.keys())
        if stored.get(key) != current.get(key)
    ]
    raise RecipeMismatchError(
        "the index was built with another recipe (" + "; ".join(differences) + "): run "
        "`beast index --rebuild` to build it anew beside the old one, which stays searchable "
        "until then, or restore the settings that it was built with"
    )
