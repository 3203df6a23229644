"""A BERT encoder as an OpenVINO graph, made from its safetensors alone: torch is not needed.

Mean over the tokens and scaling to length 1 are part of the graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .openvino_runtime import openvino

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Shape:
    """What of a BERT's configuration is not told by its weights.

    Attributes:
        layers: transformer layers.
        heads: attention heads in each.
        epsilon: that the layer norms add to the variance.
    """

    layers: int
    heads: int
    epsilon: float


def build(weights: "Weights", shape: Shape, *, int8: bool = False) -> Any:
    """Build the graph.

    Args:
        weights: float32 by their names in the checkpoint; the model refers to them, not to copies.
        shape: the rest.
        int8: keep the weights of the products as 8-bit integers, with a scale for each row.

    Returns:
        An ``openvino.Model``: int32 ``input_ids`` and ``attention_mask``, both
        ``(texts, tokens)``, to float32 ``(texts, dimension)``, rows of length 1.
    """
    return _Builder(weights, shape, int8).model()


class _Builder:
    def __init__(self, weights: "Weights", shape: Shape, int8: bool) -> None:
        self._weights = weights
        self._shape = shape
        self._int8 = int8
        self._ov = openvino()
        self._op = self._ov.opset13

    def model(self) -> Any:
        op, ov = self._op, self._ov
        ids = op.parameter([-1, -1], ov.Type.i32, name="input_ids")
        mask = op.parameter([-1, -1], ov.Type.i32, name="attention_mask")
        for each in (ids, mask):
            each.output(0).get_tensor().set_names({each.get_friendly_name()})
        real = op.convert(mask, "f32")
        hidden = self._embeddings(ids)
        bias = self._attention_bias(real)
        for number in range(self._shape.layers):
            hidden = self._layer(hidden, bias, f"encoder.layer.{number}")
        return ov.Model([op.result(self._pooled(hidden, real))], [ids, mask], "bert")

    def _embeddings(self, ids: Any) -> Any:
        op, table = self._op, self._weights
        words = op.gather(self._constant(table["embeddings.word_embeddings.weight"]), ids, _int(0))
        # A text is one segment, so every token is of the first type.
        places = table["embeddings.position_embeddings.weight"]
        fixed = self._constant(places + table["embeddings.token_type_embeddings.weight"][:1])
        length = op.gather(op.shape_of(ids, "i32"), _ints(1), _int(0))
        places = op.slice(fixed, _ints(0), length, _ints(1), _ints(0))
        return self._norm(op.add(words, places), "embeddings.LayerNorm")

    def _attention_bias(self, real: Any) -> Any:
        op = self._op
        padding = op.subtract(_float(1.0), op.unsqueeze(real, _ints(1, 2)))
        return op.multiply(padding, _float(-1e4))

    def _layer(self, hidden: Any, bias: Any, name: str) -> Any:
        op = self._op
        query, key, value = (
            self._heads(self._dense(hidden, f"{name}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        context = op.scaled_dot_product_attention(query, key, value, bias)
        context = op.reshape(op.transpose(context, _ints(0, 2, 1, 3)), _ints(0, 0, -1), True)
        attended = self._dense(context, f"{name}.attention.output.dense")
        hidden = self._norm(op.add(attended, hidden), f"{name}.attention.output.LayerNorm")
        inner = op.gelu(self._dense(hidden, f"{name}.intermediate.dense"), "erf")
        outer = self._dense(inner, f"{name}.output.dense")
        return self._norm(op.add(outer, hidden), f"{name}.output.LayerNorm")

    def _heads(self, hidden: Any) -> Any:
        op = self._op
        split = op.reshape(hidden, _ints(0, 0, self._shape.heads, -1), True)
        return op.transpose(split, _ints(0, 2, 1, 3))

    def _dense(self, hidden: Any, name: str) -> Any:
        values = self._weights[f"{name}.weight"]
        weight = self._rounded(values) if self._int8 else self._constant(values)
        product = self._op.matmul(hidden, weight, False, True)
        return self._op.add(product, self._constant(self._weights[f"{name}.bias"]))

    def _rounded(self, values: "NDArray[np.float32]") -> Any:
        """Weights that the runtime recognises as compressed and multiplies in 8 bits."""
        import numpy as np

        op, scale = self._op, np.abs(values).max(axis=1, keepdims=True) / 127
        whole = op.constant(np.round(values / scale).astype(np.int8))
        return op.multiply(op.convert(whole, "f32"), op.constant(scale.astype(np.float32)))

    def _norm(self, hidden: Any, name: str) -> Any:
        op, epsilon = self._op, self._shape.epsilon
        scaled = op.mvn(hidden, _ints(-1), True, epsilon, "inside_sqrt")
        scaled = op.multiply(scaled, self._constant(self._weights[f"{name}.weight"]))
        return op.add(scaled, self._constant(self._weights[f"{name}.bias"]))

    def _pooled(self, hidden: Any, real: Any) -> Any:
        op = self._op
        total = op.reduce_sum(op.multiply(hidden, op.unsqueeze(real, _ints(2))), _ints(1))
        # Scaled to length 1, sum and mean are the same.
        return op.normalize_l2(total, _ints(1), 1e-12, "add")

    def _constant(self, values: "NDArray[np.float32]") -> Any:
        return self._op.constant(values, shared_memory=True)


def _int(value: int) -> "NDArray[np.int32]":
    import numpy as np

    return np.array(value, dtype=np.int32)


def _ints(*values: int) -> "NDArray[np.int32]":
    import numpy as np

    return np.array(values, dtype=np.int32)


def _float(value: float) -> "NDArray[np.float32]":
    import numpy as np

    return np.array(value, dtype=np.float32)
