"""Settings as others may see them: what is secret is ``***``."""

import re
from collections.abc import Mapping
from typing import Any

from beast_assets.core.text.secrets import secret_in

MASK = "***"
_WORDS = "token|secret|pass|pwd|key|credential|auth|private|cookie|session|signature|salt|dsn"
_SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
# Of a URL what stands before its @: a password may hold a slash, a name alone may not.
_USER = re.compile(r"(?<=://)(?:[^/?#@\s]*|[^:/@\s]*:\S*)@")
_ASSIGNED = re.compile(rf"(?i)([\w.-]*(?:{_WORDS})[\w.-]*=)[^&;\s#]+")


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, with neither passwords nor tokens nor keys in them.

    Args:
        values: as ``resolved_settings`` gives them. In ``env`` a variable counts as secret by its
            name, or by its value: one that holds a password or a known kind of key.
    """
    shown = {name: _without_passwords(value) for name, value in values.items()}
    if shown.get("serve_token"):
        shown["serve_token"] = MASK
    shown["env"] = {name: _variable(name, text) for name, text in values["env"].items()}
    return shown


def _variable(name: str, text: str) -> str:
    if text and (_SECRET_NAME.search(name) or secret_in(text)):
        return MASK
    return str(_without_passwords(text))


def _without_passwords(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _ASSIGNED.sub(rf"\1{MASK}", _USER.sub(f"{MASK}@", value))
