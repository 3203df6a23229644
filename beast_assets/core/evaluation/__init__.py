"""How good the answers are: data sets with judgements, figures, and whether they differ."""

from .evaluate import evaluate

__all__ = ["evaluate"]
