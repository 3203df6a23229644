"""Keys and tokens in a text: a file that holds one is not indexed."""

import re
from collections.abc import Iterator
from functools import cache

from .secret_formats import Search, searches

#: For the index recipe: raise it when other texts count as secrets than before.
VERSION = 1

# What stands where a key would stand in a manual: masks, and the examples that everybody copies.
_MASK = re.compile(r"[xX]{6}|0{12}|EXAMPLE")
_PUBLIC = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",  # Azurite
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGy",  # Cosmos DB's emulator
    "SflKxwRJSMeKKF2QT4fw",  # jwt.io
)


def secret_in(text: str) -> str | None:
    """Name a kind of key or token that stands in a text.

    Args:
        text: a file's text, of any length.

    Returns:
        What it is, such as ``GitHub token``, never a part of it; None if there is none.
    """
    return next(_found(text), None)


_searches = cache(lambda: tuple[Search, ...](searches()))


def _found(text: str) -> Iterator[str]:
    for search in _searches():
        for match in search.expression.finditer(text):
            if not _is_public(match[0]):
                rule = search.rules[(match.lastindex or 1) - 1]
                is_google = rule.startswith("PEM") and '"service_account"' in text
                yield "Google service account key" if is_google else rule


def _is_public(found: str) -> bool:
    return bool(_MASK.search(found)) or any(public in found for public in _PUBLIC)
