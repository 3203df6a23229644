"""Who writes, and since when."""

import time
from typing import Final

from beast_assets.core.health.records import OK, WARN, Finding
from beast_assets.core.health.subject import Subject
from beast_assets.core.health.words import lasting
from beast_assets.core.home import lock_path
from beast_assets.core.lock import Holder, holder
from beast_assets.core.settings import Settings
from beast_assets.core.words import moment

_LONG_S: Final = 86_400.0


def writer(subject: Subject) -> Finding:
    """Whether a writer died, or has held the lock for very long."""
    found = holder(lock_path(subject.settings))
    if found is None:
        return Finding(OK, "nobody writes", {"held": False})
    if found.gone:
        words = f"a writer ({found.name}) died: the next `beast index` goes on from there"
        return Finding(WARN, words, {"held": False, "died": found.name})
    age = time.time() - found.since_ns / 1e9
    since = str(moment(found.since_ns))
    figures = {"held": True, "by": found.name, "since": since, "seconds": round(age, 1)}
    words = f"a writer ({found.name}) has held the lock for {lasting(age)}, since {since}"
    if age > _LONG_S:
        return Finding(WARN, f"{words}: see whether it gets on, or end it", figures)
    return Finding(OK, words, figures)


def is_written(settings: Settings) -> bool:
    """Whether somebody writes at the moment: what seems to be wrong may be half done."""
    found: Holder | None = holder(lock_path(settings))
    return found is not None and not found.gone
