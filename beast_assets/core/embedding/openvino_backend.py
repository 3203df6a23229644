"""A plain BERT on the CPU through OpenVINO, without torch: bf16 where the processor has it."""

import os
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from . import plain_bert
from .batches import batches, padded
from .bert_graph import build
from .model_files import ModelFolder, verify
from .openvino_runtime import BF16, F32, best_precision, core
from .tokens import TokenBudget, TruncatingTokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .protocol import Vectors

# Below this, bf16 is not the same class of precision as fp32.
_AGREEMENT = 0.9999
# So many numbers share a scale. PEPs, tokens per CPU second and mean cosine: 32: 7,708 and .9993,
# 64: 8,614 and .9992, 128: 9,471 and .9990, 384: 9,841 and .9981; without int8 7,218.
_INT8_GROUP = 128
_PROBES = (
    "a",
    "What happens when the process is killed?",
    "def closest(points, query, k=10):\n    return sorted(points, key=query.distance)[:k]\n",
    "A reader always sees a complete index of some past state. " * 12,
    "- [ ] 2,048 × 1.5 = 3,072; naïve café, 東京, ünïcödé | x_1 <- f(y)\n" * 6,
    "The quick brown fox jumps over the lazy dog, and nobody knows why it does so. " * 30,
)


class OpenVINOEmbedder:
    """A model whose graph is built from its safetensors and compiled at the first ``encode``.

    Args:
        model: where its files are; ``why_not_plain`` found nothing against it.
        fingerprint: what identifies them.
        threads: CPU threads, each of which works on a batch of its own.
        queries: for single short texts: fp32, all threads on one batch.
        int8: weights and what they are multiplied with are rounded to 8 bits; not for queries,
            where nothing would be saved.
        reason: why this backend was taken, in words.
    """

    def __init__(
        self,
        model: ModelFolder,
        fingerprint: str,
        threads: int,
        *,
        queries: bool = False,
        int8: bool = False,
        reason: str = "",
    ) -> None:
        self.fingerprint = fingerprint
        self._files = model
        self._threads = min(threads, os.cpu_count() or 1)
        self._queries = queries
        self._int8 = int8 and not queries
        self._reason = reason

    @property
    def description(self) -> str:
        """Backend, precision and the reason for them; loads the runtime, not the model."""
        precision = f"int8 in {self._precision}" if self._int8 else self._precision
        return f"OpenVINO {precision} on {self._threads} CPU threads: {self._reason}"

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return plain_bert.dimension_of(self._files)

    def fits(self, text: str) -> int:
        """Count the leading characters that the model reads whole."""
        return self._budget.fits(text)

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the tokens that the model would not read."""
        return self._budget.excess(texts)

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts: float32, shape ``(len(texts), dimension)``, rows of length 1.

        In bf16 a text's vector depends a little on the length that its batch is padded to.
        """
        import numpy as np

        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        ids = self._tokenizer.ids(texts)
        # No callbacks: one that ends while the interpreter does aborts the process.
        running: deque[tuple[Any, list[int]]] = deque()
        idle = list(self._requests)
        for positions in batches([len(each) for each in ids]):
            if not idle:
                idle.append(_take_first(running, vectors))
            request = idle.pop()
            request.start_async(_inputs([ids[position] for position in positions]))
            running.append((request, positions))
        while running:
            _take_first(running, vectors)
        return vectors

    @cached_property
    def _requests(self) -> list[Any]:
        # Two for each stream: the next batch waits beside the one that is computed.
        count = 1 if self._queries else 2 * self._threads
        return [self._compiled.create_infer_request() for _ in range(count)]

    @cached_property
    def _precision(self) -> str:
        if self._queries or best_precision() == F32:
            return F32
        if self._files.pinned or self._int8:
            return BF16  # measured over real chunks: benchmarks/embedding.py
        return self._precision_by_trial()

    def _precision_by_trial(self) -> str:
        ids = self._tokenizer.ids(_PROBES)
        exact, fast = (
            [self._compile(precision)(_inputs([each]))[0][0] for each in ids]
            for precision in (F32, BF16)
        )
        agreement = min(float(a @ b) for a, b in zip(exact, fast, strict=True))
        return BF16 if agreement >= _AGREEMENT else F32

    @cached_property
    def _budget(self) -> TokenBudget:
        verify(self._files, only=self._files.tokenizer_file)
        return TokenBudget(self._files.tokenizer_file, self._files.max_seq_length)

    @cached_property
    def _tokenizer(self) -> TruncatingTokenizer:
        verify(self._files, only=self._files.tokenizer_file)
        return TruncatingTokenizer(self._files.tokenizer_file, self._files.max_seq_length)

    @cached_property
    def _compiled(self) -> Any:
        return self._compile(self._precision)

    def _compile(self, precision: str) -> Any:
        verify(self._files)
        streams = 1 if self._queries else self._threads
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(self._threads),
        }
        if self._int8:
            options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(_INT8_GROUP)
        path = plain_bert.weights_file(self._files)
        try:
            from safetensors.numpy import load_file

            graph = build(load_file(path), plain_bert.shape_of(self._files), int8=self._int8)
            return core().compile_model(graph, "CPU", options)
        except Exception as error:  # whatever a broken file makes two libraries raise
            raise ModelError(
                f"the model {path} cannot be loaded ({type(error).__name__}: {error}):"
                " get it anew, or set BEAST_BACKEND=sentence-transformers"
            ) from error


def _take_first(running: "deque[tuple[Any, list[int]]]", vectors: "Vectors") -> Any:
    """Wait for the batch that was started first, keep its vectors and give its request back."""
    request, positions = running.popleft()
    request.wait()
    vectors[positions] = request.get_output_tensor(0).data
    return request


def _inputs(ids: "Sequence[Sequence[int]]") -> "dict[str, NDArray[np.int32]]":
    """Pad a batch: ids and mask, int32, shape (texts, longest rounded up)."""
    import numpy as np

    shape = len(ids), padded(max(map(len, ids)))
    tokens, mask = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    for row, each in enumerate(ids):
        tokens[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return {"input_ids": tokens, "attention_mask": mask}
