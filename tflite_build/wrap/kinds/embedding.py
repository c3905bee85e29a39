"""`embedding`: numbers that are near each other for things that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tflite_build.engines.kinds import embedding
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.embedding import Embedding
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Writer

from .base import Given, Made, ResultView


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingResult(ResultView):
    """An embedding.

    Attributes:
        how: How the output stands for it.
    """

    word: ClassVar[str] = "embedding"
    sources: ClassVar[tuple[str, ...]] = ("Embedding",)
    golden: ClassVar[str] = "GoldenEmbeddings"
    verb: ClassVar[str] = "embed"
    how: Embedding

    @property
    def decided(self) -> bool:
        return bool(self.how.normalize)

    @property
    def needs(self) -> tuple[str, ...]:
        return (*self.sources, *(["Normalized"] if self.how.normalize else []))

    def told(self) -> Iterator[str]:
        length = ", divided by their length" if self.how.normalize else ""
        yield f"{self.how.size} numbers{length}, which are near each other for things that are alike"

    def returned(self) -> str:
        return "The embedding."

    def type(self, writer: Writer) -> str:
        return "Embedding"

    def made(self, writer: Writer, of: Made) -> str:
        values = of.values(self.tensor)
        if self.how.normalize:
            values = writer.call(f"Normalized.{self.how.normalize}", [("", values)])
        return writer.call("Embedding", [("values", values)])


def bind(binding: Binding, tensors: Mapping[str, TensorView], given: Given) -> EmbeddingResult:
    """The result that a binding says.

    Raises:
        Invalid: If the tensor is no row of numbers.
    """
    how = embedding.of(binding, tensors)
    return EmbeddingResult(name=binding.name, tensors=tensors, description=binding.description, how=how)
