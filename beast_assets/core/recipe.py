"""What an index is built with, as plain text that can be stored and compared."""

from collections.abc import Mapping

from beast_assets.core.chunking import chunker_recipe
from beast_assets.core.embedding import model_fingerprint
from beast_assets.core.errors import RecipeMismatchError
from beast_assets.core.index import TABLE_VERSION
from beast_assets.core.settings import Settings
from beast_assets.core.text import EXTRACTORS

_EXTRACTOR = "extractor "


def current_recipe(settings: Settings) -> dict[str, str]:
    """The recipe that these settings and this version of the code give; loads no model."""
    recipe = {
        "model": model_fingerprint(settings.model),
        "chunker": chunker_recipe(settings),
        "table": TABLE_VERSION,
    }
    recipe |= {_EXTRACTOR + name: version for name, version in EXTRACTORS.items()}
    return recipe


def outdated_extractors(stored: Mapping[str, str] | None, current: Mapping[str, str]) -> list[str]:
    """The extractors whose files have to be read again: theirs is another version than stored."""
    return sorted(
        key.removeprefix(_EXTRACTOR)
        for key, version in (stored or {}).items()
        if key.startswith(_EXTRACTOR) and current.get(key) != version
    )


def check_recipe(stored: Mapping[str, str] | None, current: Mapping[str, str]) -> None:
    """Compare the recipe of an index with today's, extractors left out: see above.

    Raises:
        RecipeMismatchError: naming each difference and the command that resolves it.
    """
    if stored is None:
        return
    differences = [
        f"{key}: the index has {stored.get(key, 'none')}, today's is {current.get(key, 'none')}"
        for key in sorted(stored.keys() | current.keys())
        if stored.get(key) != current.get(key) and not key.startswith(_EXTRACTOR)
    ]
    if not differences:
        return
    raise RecipeMismatchError(
        "the index was built with another recipe (" + "; ".join(differences) + "): run "
        "`beast index --rebuild` to build it anew beside the old one, which stays searchable "
        "until then, or restore the settings that it was built with"
    )
