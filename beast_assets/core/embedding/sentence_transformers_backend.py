"""Any sentence-transformers model from a local folder, on the best device there is."""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .built_in import BUILT_IN_DIMENSION
from .choice import accelerator
from .model_files import ModelFolder, verify
from .tokens import TokenBudget

if TYPE_CHECKING:
    from .protocol import Vectors

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


class SentenceTransformersEmbedder:
    """A model without prompts; torch and the weights come with the first ``encode``.

    On a CPU in fp32: the reference for all others. On a graphics processor in fp16, whose rounding
    is eight times finer than bf16's at the same speed.

    Args:
        model: where its files are.
        fingerprint: what identifies them.
        threads: CPU threads for torch, which has one such setting for the whole process.
        reason: why this backend was taken, in words.
    """

    def __init__(
        self, model: ModelFolder, fingerprint: str, threads: int, *, reason: str = ""
    ) -> None:
        self.fingerprint = fingerprint
        self._files = model
        self._threads = threads
        self._reason = reason

    @property
    def description(self) -> str:
        """Backend, precision, device and the reason for them."""
        device = accelerator()
        where = f"fp16 on {device}" if device else f"fp32 on {self._threads} CPU threads"
        return f"sentence-transformers {where}: {self._reason}"

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector; a model that is not built in must be loaded to tell."""
        if self._files.pinned:
            return BUILT_IN_DIMENSION
        return int(self._model.get_embedding_dimension())

    def fits(self, text: str) -> int:
        """Count the leading characters that the model reads whole."""
        return self._budget.fits(text)

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the tokens that the model would not read."""
        return self._budget.excess(texts)

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts: float32, shape ``(len(texts), dimension)``, rows of length 1."""
        import numpy as np

        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        # The library sorts by length itself, so that a batch holds little padding.
        vectors = self._model.encode(
            list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        exact = np.asarray(vectors, dtype=np.float32)
        # In fp16 the length is 1 to three digits only.
        unit: Vectors = exact / np.linalg.norm(exact, axis=1, keepdims=True)
        return unit

    @cached_property
    def _budget(self) -> TokenBudget:
        verify(self._files, only=self._files.tokenizer_file)
        return TokenBudget(self._files.tokenizer_file, self._files.max_seq_length)

    @cached_property
    def _model(self) -> Any:
        verify(self._files)
        os.environ.update(_OFFLINE)  # before the import: the libraries look only then
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(self._threads)
        folder, device = self._files.folder, accelerator()
        try:
            model = SentenceTransformer(
                str(folder),
                device=device or "cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={
                    "use_safetensors": True,
                    "dtype": torch.float16 if device else torch.float32,
                },
            )
        except Exception as error:  # whatever a broken model makes three libraries raise
            raise ModelError(
                f"the model in {folder} cannot be loaded ({type(error).__name__}: {error}):"
                " get it anew, or name another one"
            ) from error
        self._insist_on_length(model)
        model.default_prompt_name = None  # a prompt takes tokens that the budget does not know of
        return model

    def _insist_on_length(self, model: Any) -> None:
        promised = self._files.max_seq_length
        if model.max_seq_length is None or model.max_seq_length < promised:
            raise ModelError(
                f"the model in {self._files.folder} reads {model.max_seq_length} tokens where its"
                f" files say {promised}: correct max_seq_length in its sentence_bert_config.json"
            )
        model.max_seq_length = promised
