"""From a model setting to a folder of files that may be loaded: safetensors only, no code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .built_in import PINNED, REINSTALL, built_in_folder, is_built_in

_DECISIVE_NAMES = frozenset(Path(name).name for name in PINNED if name.endswith(".json"))


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A sentence-transformers model on this machine.

    Attributes:
        folder: where ``modules.json`` lies.
        pinned: SHA-256 by relative name where we know what the files must be, else empty.
    """

    folder: Path
    pinned: Mapping[str, str] = field(default_factory=dict)

    @property
    def tokenizer_file(self) -> Path:
        """The tokenizer, which lies with the first module."""
        return self._first_module / "tokenizer.json"

    @property
    def _first_module(self) -> Path:
        modules = read_json(self.folder / "modules.json")
        return self.folder / (modules[0]["path"] if modules else "")

    @property
    def max_seq_length(self) -> int:
        """Tokens that the model reads, its special ones included."""
        for name, key in (
            ("sentence_bert_config.json", "max_seq_length"),
            ("tokenizer_config.json", "model_max_length"),
            ("config.json", "max_position_embeddings"),
        ):
            length = read_json(self._first_module / name).get(key)
            if isinstance(length, int) and 0 < length < 1 << 20:
                return length
        raise ModelError(
            f"{self.folder} does not say how many tokens it reads:"
            ' put {"max_seq_length": …} into its sentence_bert_config.json'
        )

    def decisive_files(self) -> list[Path]:
        """List the files that have a say in the vectors: weights, tokenizer, configurations."""
        found = (path for pattern in ("*", "*/*") for path in self.folder.glob(pattern))
        return sorted(
            path for path in found if path.suffix == ".safetensors" or path.name in _DECISIVE_NAMES
        )


def resolve(setting: str) -> ModelFolder:
    """Find the model that a setting names; the network is never asked.

    Raises:
        ModelError: there is none, or it has parts that will not be loaded.
    """
    if is_built_in(setting):
        return ModelFolder(built_in_folder(), PINNED)
    folder = Path(setting).expanduser()
    if not folder.is_dir():
        folder = _in_local_cache(setting)
    model = ModelFolder(folder)
    _refuse_unsafe(model)
    return model


def verify(model: ModelFolder, only: Path | None = None) -> None:
    """Compare the files with what is pinned for them; nothing is pinned for a user's own folder.

    Raises:
        ModelError: names the file that differs and says what to do.
    """
    for name, expected in model.pinned.items():
        path = model.folder / name
        if only is None or path == only:
            found = sha256_of(path)
            if found != expected:
                raise ModelError(
                    f"{path} is not the file this version was made for (SHA-256 {found}, expected"
                    f" {expected}): restore it with `{REINSTALL}`"
                )


def sha256_of(path: Path) -> str:
    """Hash a file; the answer is kept for as long as its size and mtime stay.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        stat = path.stat()
        return _sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}): get the model's folder anew"
        ) from error


@cache
def _sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_local_cache(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"there is no folder and no model in the local Hugging Face cache called {name!r}, and"
            " the network is never used: fetch it yourself (`hf download NAME --local-dir FOLDER`)"
            " and name that folder"
        ) from error


def _refuse_unsafe(model: ModelFolder) -> None:
    modules = read_json(model.folder / "modules.json")
    if not modules or not model.tokenizer_file.is_file():
        raise ModelError(
            f"{model.folder} is no sentence-transformers model with a fast tokenizer: it needs"
            " modules.json and tokenizer.json"
        )
    if not _only_safetensors(model):
        raise ModelError(
            f"{model.folder} has weights that are not .safetensors: these can carry code and are"
            " not loaded; get the model in that format"
        )
    foreign = [m["type"] for m in modules if not m["type"].startswith("sentence_transformers.")]
    if foreign:
        raise ModelError(
            f"{model.folder} brings its own code ({foreign[0]}), which is not run:"
            " take a model of sentence-transformers' own modules"
        )


def _only_safetensors(model: ModelFolder) -> bool:
    safe = {path.parent for path in model.decisive_files() if path.suffix == ".safetensors"}
    other = {path.parent for path in model.folder.glob("*/pytorch_model*.bin")}
    return bool(safe) and other <= safe


def read_json(path: Path) -> Any:
    """Read a file of a model, ``{}`` where it is absent.

    Raises:
        ModelError: it cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read ({type(error).__name__}): get the model's folder anew"
        ) from error
