"""One line that changes whenever a model's vectors might."""

import hashlib
from collections.abc import Mapping

from .built_in import PINNED, is_built_in
from .choice import AUTO, OPENVINO_INT8
from .model_files import ModelFolder, resolve, sha256_of

HASHING = "hashing"
HASHING_FINGERPRINT = "hashing/1 words+trigrams crc32 256 l2"


def model_fingerprint(setting: str, backend: str = AUTO) -> str:
    """Identify the model that a setting names and the precision class of its vectors.

    ``fp32`` in it is a class of precision: fp32, and what agrees with it to a cosine of at least
    0.9999 (OpenVINO in bf16, tried before it is used). So an index that was built on one machine
    can be searched on another, and ``auto`` has one fingerprint everywhere.

    The built-in model costs nothing: what its files must be is pinned, and checked when they are
    loaded. The files of a folder are hashed, once per process as long as they do not change.

    Args:
        setting: of ``BEAST_MODEL``.
        backend: of ``BEAST_BACKEND``; of these only ``openvino-int8`` has a class of its own.

    Raises:
        ModelError: there is no such model on this machine, or it cannot be used.
    """
    if setting == HASHING:
        return HASHING_FINGERPRINT
    found = _compose(PINNED) if is_built_in(setting) else folder_fingerprint(resolve(setting))
    return found.replace(" fp32 ", " int8 ") if backend == OPENVINO_INT8 else found


def folder_fingerprint(model: ModelFolder) -> str:
    """Identify a model by its files: the same files in another folder are the same model."""
    return _compose(
        {
            path.relative_to(model.folder).as_posix(): sha256_of(path)
            for path in model.decisive_files()
        }
    )


def _compose(digests: Mapping[str, str]) -> str:
    weights = {name: digests[name] for name in digests if name.endswith(".safetensors")}
    rest = {name: digests[name] for name in digests if name not in weights}
    tokenizer = rest.pop("tokenizer.json")
    return (
        f"sentence-transformers/1 fp32 l2 weights:{_one(weights)} tokenizer:{tokenizer}"
        f" config:{_one(rest)}"
    )


def _one(digests: Mapping[str, str]) -> str:
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
