"""[result.NAME] with kind = "classes"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tflite_build.spec.base import SpecModel
from tflite_build.spec.metadata import LabelOffset, Labels, Real, ScoreCalibration
from tflite_build.spec.values import LARGEST

from .base import Kind, TensorName

_SHARED = (
    "labels", "label_offset", "activation", "score_calibration", "multi_label", "score_threshold", "max_results"
)  # fmt: skip


class ClassesResult(Kind):
    """The best of some classes, with their labels and scores."""

    ROLES: ClassVar[tuple[str, ...]] = ("scores",)
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {key: (("scores",), key) for key in _SHARED}
    FILES: ClassVar[tuple[str, ...]] = ("labels", "score_calibration")

    kind: Literal["classes"]
    """What it is."""
    scores: TensorName
    """The output with a score for each class."""
    labels: Labels | None = None
    """As at an output: the names of classes."""
    label_offset: LabelOffset | None = None
    """As at an output: what is added to the place of a score to find its label."""
    activation: Literal["softmax", "sigmoid"] | None = None
    """As at an output: what is done to the scores first."""
    score_calibration: ScoreCalibration | None = None
    """As at an output: how scores are made comparable, after `activation`."""
    multi_label: bool | None = None
    """As at an output: whether several classes may be there at once."""
    score_threshold: Real | None = None
    """As at an output: scores below it mean nothing."""
    max_results: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """As at an output: how many classes the app gets at most. Default: 10; all with `multi_label`."""

    def said(self, outputs: Mapping[str, SpecModel]) -> dict[str, Any]:
        found = super().said(outputs)
        calibration = found.pop("score_calibration", None)
        if calibration is not None:
            found["score_calibration"] = calibration["file"]
            found["transformation"] = calibration["transformation"]
            found["default_score"] = calibration["default"]
        return found

    def implied(self) -> dict[str, dict[str, Any]]:
        return {self.scores: {**super().implied().get(self.scores, {}), "content": "classes"}}
