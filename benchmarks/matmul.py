"""The rate at which this machine multiplies matrices of a model's own shapes in bf16."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from beast_assets.core.embedding.openvino_runtime import best_precision, core, openvino

_TOKENS = 1_024
_REPEATS = 24


def openvino_rate(hidden: int, inner: int, layers: int, threads: int) -> tuple[float, float]:
    """Multiply as many matrices as the model has, one after another, a stream for each thread.

    Returns:
        Floating-point operations per second of wall time, and per second of CPU time.
    """
    ov, op = openvino(), openvino().opset13
    entry = op.parameter([_TOKENS, hidden], ov.Type.f32)
    state = entry
    for _ in range(layers):
        for rows, columns in _shapes(hidden, inner):
            weight = np.random.default_rng(0).standard_normal((columns, rows), dtype=np.float32)
            state = op.matmul(state, op.constant(weight / rows), False, True)
    model = ov.Model([op.result(state)], [entry], "products")
    options = {
        "INFERENCE_PRECISION_HINT": best_precision(),
        "NUM_STREAMS": str(threads),
        "INFERENCE_NUM_THREADS": str(threads),
    }
    compiled = core().compile_model(model, "CPU", options)
    requests = [compiled.create_infer_request() for _ in range(2 * threads)]
    for request in requests:
        request.set_input_tensor(ov.Tensor(np.ones((_TOKENS, hidden), dtype=np.float32)))

    def work() -> None:
        for number in range(_REPEATS):
            request: Any = requests[number % len(requests)]
            request.wait()
            request.start_async()
        for request in requests:
            request.wait()

    return _rates(work, layers * _flops(hidden, inner))


def torch_rate(hidden: int, inner: int, layers: int, threads: int) -> tuple[float, float]:
    """As ``openvino_rate``, with torch's bf16 linear layers on all threads at once."""
    import torch

    torch.set_num_threads(threads)
    weights = [
        torch.randn(columns, rows, dtype=torch.bfloat16) / rows
        for rows, columns in _shapes(hidden, inner)
    ]
    entry = torch.ones(_TOKENS, hidden, dtype=torch.bfloat16)

    def work() -> None:
        with torch.inference_mode():
            for _ in range(_REPEATS * layers):
                state = entry
                for weight in weights:
                    state = torch.nn.functional.linear(state, weight)

    return _rates(work, layers * _flops(hidden, inner))


def _shapes(hidden: int, inner: int) -> list[tuple[int, int]]:
    return [(hidden, hidden)] * 4 + [(hidden, inner), (inner, hidden)]


def _flops(hidden: int, inner: int) -> int:
    return sum(2 * _TOKENS * rows * columns for rows, columns in _shapes(hidden, inner))


def _rates(work: Callable[[], None], flops: int) -> tuple[float, float]:
    work()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    done = _REPEATS * flops
    return done / (time.perf_counter() - wall), done / (time.process_time() - cpu)
