"""What an index is built with, as plain text that can be stored and compared."""

from collections.abc import Mapping

from beast_assets.core.chunking import chunker_recipe
from beast_assets.core.embedding import model_fingerprint
from beast_assets.core.errors import RecipeMismatchError
from beast_assets.core.index import TABLE_VERSION
from beast_assets.core.settings import Settings
from beast_assets.core.text import EXTRACTORS
from beast_assets.core.text.secrets import VERSION as SECRETS_VERSION

_EXTRACTOR = "extractor "
_SECRETS = "secrets"


def current_recipe(settings: Settings) -> dict[str, str]:
    """The recipe that these settings and this version of the code give; loads no model."""
    recipe = {
        "model": model_fingerprint(settings.model, settings.backend),
        "chunker": chunker_recipe(settings),
        "table": TABLE_VERSION,
        _SECRETS: str(SECRETS_VERSION) if settings.secret_scan else "off",
    }
    recipe |= {_EXTRACTOR + name: version for name, version in EXTRACTORS.items()}
    return recipe


def outdated_extractors(stored: Mapping[str, str] | None, current: Mapping[str, str]) -> list[str]:
    """The extractors whose files have to be read again.

    Those whose version is another than the stored one; all, if other texts count as secret now.
    """
    if stored is None:
        return []
    every = stored.get(_SECRETS) != current[_SECRETS]
    return sorted(
        key.removeprefix(_EXTRACTOR)
        for key, version in stored.items()
        if key.startswith(_EXTRACTOR) and (every or current.get(key) != version)
    )


def _is_mended_by_reading(key: str) -> bool:
    """Whether a difference concerns files one by one, and not the whole table."""
    return key == _SECRETS or key.startswith(_EXTRACTOR)


def check_recipe(stored: Mapping[str, str] | None, current: Mapping[str, str]) -> None:
    """Compare the recipe of an index with today's, save what ``outdated_extractors`` mends.

    Raises:
        RecipeMismatchError: naming each difference and the command that resolves it.
    """
    if stored is None:
        return
    differences = [
        f"{key}: the index has {stored.get(key, 'none')}, today's is {current.get(key, 'none')}"
        for key in sorted(stored.keys() | current.keys())
        if stored.get(key) != current.get(key) and not _is_mended_by_reading(key)
    ]
    if not differences:
        return
    raise RecipeMismatchError(
        "the index was built with another recipe (" + "; ".join(differences) + "): run "
        "`beast index --rebuild` to build it anew beside the old one, which stays searchable "
        "until then, or restore the settings that it was built with"
    )
