"""How much of a text a model reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PROBE_CHARS_PER_TOKEN = 8


class TokenBudget:
    """A tokenizer, and the number of tokens of a text that the model takes.

    Args:
        tokenizer_file: a ``tokenizer.json``.
        max_seq_length: tokens in all, the model's own special ones (``[CLS]``) included.

    Raises:
        ModelError: the file is no tokenizer.
    """

    def __init__(self, tokenizer_file: Path, max_seq_length: int) -> None:
        self._tokenizer = _load(tokenizer_file)
        self.tokens = max_seq_length - self._tokenizer.num_special_tokens_to_add(False)

    def fits(self, text: str) -> int:
        """Count the leading characters that the model reads whole: ``len(text)`` if all.

        A text far over the budget costs no more than a prefix of it.
        """
        probe = _PROBE_CHARS_PER_TOKEN * self.tokens
        while probe < len(text):
            readable = self._readable(text[:probe], is_prefix=True)
            if readable is not None:
                return readable
            probe *= 4
        readable = self._readable(text, is_prefix=False)
        return len(text) if readable is None else readable

    def excess(self, texts: Sequence[str]) -> int:
        """Count the tokens beyond the budget, over all these texts."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return sum(max(0, len(encoding) - self.tokens) for encoding in encodings)

    def _readable(self, text: str, *, is_prefix: bool) -> int | None:
        """Find where the first token over the budget begins, or None if there is none for sure."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if len(encoding) <= self.tokens:
            return None
        # The last word of a prefix may be half a word, which has other tokens than the whole.
        last_word = encoding.token_to_word(len(encoding) - 1)
        if is_prefix and encoding.token_to_word(self.tokens) == last_word:
            return None
        begin: int = encoding.offsets[self.tokens][0]
        return begin


class TruncatingTokenizer:
    """A tokenizer as the model has it: with special tokens, cut off at its length.

    Args:
        tokenizer_file: a ``tokenizer.json``.
        max_seq_length: tokens in all.

    Raises:
        ModelError: the file is no tokenizer.
    """

    def __init__(self, tokenizer_file: Path, max_seq_length: int) -> None:
        self._tokenizer = _load(tokenizer_file)
        self._tokenizer.enable_truncation(max_seq_length)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Give the tokens of each text."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]


def _load(tokenizer_file: Path) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(
            f"{tokenizer_file} is not a tokenizer ({error}): get the model's folder anew"
        ) from error
    # The file may have both baked in, for another length than the model's.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
