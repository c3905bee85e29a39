"""[checks]: limits that files have to keep."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from .base import SpecModel
from .values import Cosine, Entry, Errors, Paths, RelativePath, Size, is_data, wrong


class AccuracyLimits(SpecModel):
    """Limits of a measure against labelled data."""

    min: float | None = None
    """The lowest value that a variant may have; for a metric of which more is better."""
    max: float | None = None
    """The highest value that a variant may have; for a metric of which less is better, as `mae` and `mse`."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """How much worse than the source model a variant may be, in the metric's own units."""


class Accuracy(AccuracyLimits):
    """A measure against labelled data, printed for every variant."""

    data: RelativePath
    """An .npz file with one array per input and `labels`, all with the samples as first axis; or a folder of pictures or
    sounds, which go through the input's own preprocessing."""
    labels: RelativePath | None = None
    """For a folder: a CSV file with the columns `file` and the label, see the guide to checks."""
    metric: Literal["top1", "top5", "mae", "mse", "psnr", "iou", "pck", "f1", "recall1", "mAP"] | None = None
    """What is measured, see the guide to checks for each. Default: `top1`."""
    entry: Entry | None = None
    """Instead of `metric`: a function of yours, as `FILE.py:NAME`, of outputs (a dict of arrays) and labels."""
    files: Paths = ()
    """Further files that `entry` opens below Python's sight."""
    better: Literal["higher", "lower"] | None = None
    """Which values of `entry` are good. Default: `higher`."""

    @property
    def name(self) -> str:
        """What the measure is called in tables."""
        return self.entry.rpartition(":")[2] if self.entry else self.metric or "top1"

    @property
    def lower_is_better(self) -> bool:
        """Whether smaller values are better ones."""
        return self.better == "lower" or self.metric in ("mae", "mse")

    @property
    def is_share(self) -> bool:
        """Whether it is a share, from 0 to 1."""
        return not self.entry and not self.lower_is_better and self.metric != "psnr"

    @property
    def is_of_classes(self) -> bool:
        """Whether labels are numbers of classes, or yes and no: whole numbers."""
        return self.is_share and self.metric != "pck"

    @model_validator(mode="after")
    def _possible(self) -> Accuracy:
        if self.metric and self.entry:
            raise wrong("give either 'metric' or 'entry', not both", "entry")
        if not self.entry:
            for key in ("better", "files"):
                if getattr(self, key):
                    raise wrong(f"'{key}' is for an 'entry' of your own", key)
        is_data(self.data)
        if self.data.endswith(".npz") and self.labels:
            raise wrong("'labels' is for a folder of files; an .npz file has an array 'labels'", "labels")
        if not self.data.endswith(".npz") and not self.labels:
            raise wrong("'data' is a folder, so 'labels' is needed: a CSV file with the columns file and label", "data")
        return self


class FileLimits(SpecModel):
    """Limits of a file."""

    min_cosine: Cosine | None = None
    """The lowest cosine similarity of a variant's outputs: a float32 file's to those of the source, any other one's to
    those of the float32 file, which was compared with the source."""
    max_error: Errors | None = None
    """The largest error of an output, in the output's own units and against the same file as `min_cosine`: a number for
    every output, or a table of output name to number."""
    max_size: Size | None = None
    """The largest size of a file, such as `"200 KB"`."""
    max_download: Size | None = None
    """What a file and the app's own runtime, `library` in [runtime], may add to the download of an app, such as `"3 MB"`:
    the file as it is, since apps keep models uncompressed, and of the library the largest ABI, compressed."""
    max_arena: Size | None = None
    """The most memory for activations that the runtime plans, such as `"2 MB"`; of several signatures the largest."""


class VariantChecks(FileLimits):
    """Limits of one variant, which go before those of [checks]."""

    accuracy: AccuracyLimits = AccuracyLimits()
    """Limits of its accuracy, measured as [checks] says."""


class Checks(FileLimits):
    """Limits: a variant that misses one fails the build, and nothing of it is published."""

    accuracy: Accuracy | None = None
    """A measure against labelled data."""
