"""[result.NAME] with kind = "classes"."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tflite_build.spec.metadata import Labels, Real
from tflite_build.spec.values import LARGEST

from .base import Kind, TensorName


class ClassesResult(Kind):
    """The best of some classes, with their labels and scores."""

    ROLES: ClassVar[tuple[str, ...]] = ("scores",)
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {
        key: (("scores",), key) for key in ("labels", "activation", "score_threshold", "max_results")
    }
    FILES: ClassVar[tuple[str, ...]] = ("labels",)

    kind: Literal["classes"]
    """What it is."""
    scores: TensorName
    """The output with a score for each class."""
    labels: Labels | None = None
    """As at an output: the names of classes."""
    activation: Literal["softmax", "sigmoid"] | None = None
    """As at an output: what is done to the scores first."""
    score_threshold: Real | None = None
    """As at an output: scores below it mean nothing."""
    max_results: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """As at an output: how many classes the app gets at most. Default: 10."""

    def implied(self) -> dict[str, dict[str, Any]]:
        return {self.scores: {**super().implied().get(self.scores, {}), "content": "classes"}}
