"""Sizes and times for people."""

_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))


def megabytes(size: int) -> str:
    """Bytes as megabytes."""
    return f"{size / 1e6:,.0f} MB"


def lasting(seconds: float) -> str:
    """A length of time in the largest unit of which there are two."""
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return "a moment"
