"""Texts of like length together, so that a batch is hardly padded and never large."""

from collections.abc import Iterator, Sequence

# Padded tokens in a batch. Between 512 and 2,048 the speed is the same; more costs memory (and,
# from 4,096 on, speed), and leaves streams idle at the end.
TOKENS = 1_024
# Lengths are rounded up to this, so that the runtime meets few shapes.
STEP = 8


def batches(lengths: Sequence[int], budget: int = TOKENS) -> Iterator[list[int]]:
    """Put texts into batches of at most ``budget`` padded tokens, longest first.

    The longest batches go first, so that the last ones, which end at different times, are short.

    Args:
        lengths: tokens of each text.
        budget: a longer text is a batch of its own.

    Yields:
        Positions in ``lengths``; each is in one batch.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
        if batch and (len(batch) + 1) * padded(lengths[batch[0]]) > budget:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def padded(length: int) -> int:
    """Round a number of tokens up to the next step."""
    return -(-length // STEP) * STEP
