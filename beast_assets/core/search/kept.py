"""Answers in memory: so many, and so much text."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class _HasSize(Protocol):
    @property
    def characters(self) -> int: ...


A = TypeVar("A", bound=_HasSize)


class Kept(Generic[A]):
    """Answers by their question; the one that was not asked for longest leaves first.

    Thousand hits with their neighbours are 24 million characters: the number alone is no bound.
    Not thread-safe.
    """

    def __init__(self, most: int = 1_024, most_characters: int = 16 * 2**20) -> None:
        self._most = most
        self._most_characters = most_characters
        self._answers: OrderedDict[Hashable, A] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Hashable) -> A | None:
        """The answer, if it is kept."""
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    def put(self, key: Hashable, answer: A) -> None:
        """Keep an answer to a question that has none here, and let go of others for it."""
        self._answers[key] = answer
        self._characters += answer.characters
        while len(self._answers) > self._most or self._characters > self._most_characters:
            self._characters -= self._answers.popitem(last=False)[1].characters

    def clear(self) -> None:
        """Let go of all."""
        self._answers.clear()
        self._characters = 0
