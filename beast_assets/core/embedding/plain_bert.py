"""Whether a model is one whose graph we can build ourselves, told from its files alone."""

import json
from pathlib import Path
from typing import Any

from .bert_graph import Shape
from .model_files import ModelFolder, read_json

_MODULES = ("Transformer", "Pooling", "Normalize")
_SUFFIX_SHAPES = {
    "attention.self.query": ("h", "h"),
    "attention.self.key": ("h", "h"),
    "attention.self.value": ("h", "h"),
    "attention.output.dense": ("h", "h"),
    "attention.output.LayerNorm": ("h",),
    "intermediate.dense": ("i", "h"),
    "output.dense": ("h", "i"),
    "output.LayerNorm": ("h",),
}
# Buffers and the head for sentence pairs, which the token vectors do not pass through.
_UNUSED = frozenset(("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"))
_LARGEST_HEADER = 100 << 20


def weights_file(model: ModelFolder) -> Path:
    """Where the encoder's weights lie."""
    return model.tokenizer_file.with_name("model.safetensors")


def shape_of(model: ModelFolder) -> Shape:
    """Read the numbers that a graph needs; for a model that ``why_not_plain`` finds plain."""
    config = _config(model)
    return Shape(
        int(config["num_hidden_layers"]),
        int(config["num_attention_heads"]),
        float(config.get("layer_norm_eps", 1e-12)),
    )


def dimension_of(model: ModelFolder) -> int:
    """Numbers in a vector of a plain model."""
    return int(_config(model)["hidden_size"])


def why_not_plain(model: ModelFolder) -> str | None:
    """Say what sets a model apart from a BERT with the mean of its tokens, scaled to length 1.

    Whatever is not known to make no difference counts as one. Only headers are read.

    Returns:
        None if nothing does.
    """
    checks = (_why_not_modules, _why_not_pooling, _why_not_config, _why_not_weights)
    return next((reason for check in checks if (reason := check(model))), None)


def _why_not_modules(model: ModelFolder) -> str | None:
    modules = read_json(model.folder / "modules.json")
    kinds = tuple(module["type"].rpartition(".")[2] for module in modules)
    # Vectors are always scaled to length 1, so the last module may be missing.
    if kinds not in (_MODULES, _MODULES[:2]):
        return f"its modules are {', '.join(kinds)}"
    own = read_json(model.tokenizer_file.with_name("sentence_bert_config.json"))
    if own.keys() - {"max_seq_length", "do_lower_case"} or own.get("do_lower_case"):
        return "its sentence_bert_config.json asks for more than a length"
    return None


def _why_not_pooling(model: ModelFolder) -> str | None:
    folder = read_json(model.folder / "modules.json")[1]["path"]
    pooling = read_json(model.folder / folder / "config.json")
    modes = {key.removeprefix("pooling_mode_") for key in pooling if pooling[key] is True}
    modes |= {str(pooling["pooling_mode"])} if "pooling_mode" in pooling else set()
    modes -= {"include_prompt"}
    return None if modes in ({"mean_tokens"}, {"mean"}) else f"its pooling is {sorted(modes)}"


def _why_not_config(model: ModelFolder) -> str | None:
    config = _config(model)
    for key, wanted in (
        ("model_type", "bert"),
        ("hidden_act", "gelu"),
        ("position_embedding_type", "absolute"),
        ("is_decoder", False),
        ("add_cross_attention", False),
    ):
        if config.get(key, wanted) != wanted:
            return f"its {key} is {config[key]}"
    if model.max_seq_length > config.get("max_position_embeddings", 0):
        return "it reads more tokens than it has positions for"
    return None


def _why_not_weights(model: ModelFolder) -> str | None:
    try:
        found = _tensor_shapes(weights_file(model))
    except (OSError, ValueError):
        return "its weights are not one readable model.safetensors"
    expected = _expected_shapes(_config(model))
    if {name: found[name] for name in found if name not in _UNUSED} != expected:
        return "its weights are not those of a BERT in float32"
    return None


def _expected_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    sizes = {"h": int(config["hidden_size"]), "i": int(config["intermediate_size"])}
    hidden = sizes["h"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (int(config["vocab_size"]), hidden),
        "embeddings.position_embeddings.weight": (int(config["max_position_embeddings"]), hidden),
        "embeddings.token_type_embeddings.weight": (int(config["type_vocab_size"]), hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
    }
    for number in range(int(config["num_hidden_layers"])):
        for suffix, letters in _SUFFIX_SHAPES.items():
            shape = tuple(sizes[letter] for letter in letters)
            shapes[f"encoder.layer.{number}.{suffix}.weight"] = shape
            shapes[f"encoder.layer.{number}.{suffix}.bias"] = shape[:1]
    return shapes


def _tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the header of a safetensors file: the shapes of its float32 tensors, () for others."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LARGEST_HEADER:
            raise ValueError("no header")
        header = json.loads(file.read(length))
    return {
        name: tuple(tensor["shape"]) if tensor["dtype"] == "F32" else ()
        for name, tensor in header.items()
        if name != "__metadata__"
    }


def _config(model: ModelFolder) -> dict[str, Any]:
    config: dict[str, Any] = read_json(model.tokenizer_file.with_name("config.json"))
    return config
