"""What a probe says, and what all of them say together: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "fail"

HEALTHY: Final = "healthy"
DEGRADED: Final = "degraded"
UNHEALTHY: Final = "unhealthy"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found.

    Attributes:
        status: ``ok``, ``warn`` (it works, but not for long or not in full) or ``fail``.
        detail: in words; what to do, where there is something to do.
        figures: the same as plain data; bytes and seconds are said to be so by their names.
    """

    status: str
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """A finding with the probe's name and how long it took, in seconds."""

    name: str
    status: str
    seconds: float
    detail: str
    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "detail": self.detail,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True, slots=True)
class Health:
    """All checks, in the order of the probes."""

    checks: tuple[Check, ...]

    @property
    def status(self) -> str:
        """``healthy``, ``degraded`` if a check warns, ``unhealthy`` if one fails."""
        found = {check.status for check in self.checks}
        return UNHEALTHY if FAIL in found else DEGRADED if WARN in found else HEALTHY

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: ``status`` and ``checks``."""
        return {"status": self.status, "checks": [check.to_dict() for check in self.checks]}
