"""The model: is it the one that the index was built with, are its files sound, does it compute."""

from typing import TYPE_CHECKING

from beast_assets.core.embedding.built_in import BUILT_IN_DIMENSION, is_built_in
from beast_assets.core.embedding.choice import choose
from beast_assets.core.embedding.fingerprints import HASHING, folder_fingerprint
from beast_assets.core.embedding.model_files import resolve, verify
from beast_assets.core.health.canary import LEAST_COSINE, SENTENCE, known_vector
from beast_assets.core.health.records import FAIL, OK, WARN, Finding
from beast_assets.core.health.subject import Subject
from beast_assets.core.recipe import check_recipe, current_recipe, outdated_extractors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Vectors are float32.
_UNIT = 1e-3


def recipe(subject: Subject) -> Finding:
    """Whether the index was built with today's model, chunker and readers."""
    stored = subject.ledger().recipe()
    if stored is None:
        return Finding(OK, "nothing is published yet")
    current = current_recipe(subject.settings)
    check_recipe(stored, current)
    outdated = outdated_extractors(stored, current)
    if outdated:
        words = f"the next `beast index` reads files anew that these read: {', '.join(outdated)}"
        return Finding(WARN, words, {"outdated": outdated})
    return Finding(OK, "the index was built as it would be today", {"outdated": []})


def model_files(subject: Subject) -> Finding:
    """Whether the model's files are there and, where it is known, what they must be."""
    setting = subject.settings.model
    if setting == HASHING:
        return Finding(OK, "hashing needs no files", {"pinned": False})
    model = resolve(setting)
    figures = {"folder": str(model.folder), "pinned": bool(model.pinned)}
    if model.pinned:
        verify(model)
        return Finding(OK, f"{setting}: all files as they must be", figures)
    # What they should be is told by the recipe, which holds their hashes.
    return Finding(OK, f"{setting}: readable", {**figures, "is": folder_fingerprint(model)})


def backend(subject: Subject) -> Finding:
    """What will compute the vectors on this machine, and why."""
    setting = subject.settings.model
    if setting == HASHING:
        return Finding(OK, HASHING, {"backend": HASHING})
    choice = choose(resolve(setting), subject.settings.backend)
    figures = {"backend": choice.backend, "reason": choice.reason}
    return Finding(OK, f"{choice.backend}: {choice.reason}", figures)


def embedding(subject: Subject) -> Finding:
    """Whether the model gives a fixed sentence a sound vector, and of a known model the known."""
    import numpy as np

    vector = _vector(subject)
    length = float(np.linalg.norm(vector))
    if not abs(length - 1) < _UNIT:  # nor is it of a vector that is not finite
        words = "the model gives no vector of length 1: set BEAST_BACKEND or BEAST_MODEL to another"
        return Finding(FAIL, words, {"dimension": len(vector), "length": str(length)})
    figures = {"dimension": len(vector), "length": round(length, 6)}
    if not is_built_in(subject.settings.model):
        return Finding(OK, f"{len(vector)} numbers, together of length 1", figures)
    cosine = float(vector @ known_vector()) if len(vector) == BUILT_IN_DIMENSION else 0.0
    figures["cosine"] = round(cosine, 6)
    if cosine < LEAST_COSINE:
        words = f"another vector than the known one (cosine {cosine:.4f}): reinstall openvino, or"
        return Finding(FAIL, f"{words} set BEAST_BACKEND to sentence-transformers", figures)
    return Finding(OK, f"the known vector (cosine {cosine:.5f})", figures)


def _vector(subject: Subject) -> "NDArray[np.float32]":
    from beast_assets.core.search.encoder import QueryEncoder

    handle = subject.handle
    encoder = QueryEncoder(subject.settings) if handle is None else handle.encoder
    return encoder.compute(SENTENCE)
