"""[result.NAME] with kind = "embedding"."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from .base import Kind, TensorName


class EmbeddingResult(Kind):
    """Numbers that are near each other for things that are alike."""

    ROLES: ClassVar[tuple[str, ...]] = ("embedding",)
    SHARED: ClassVar[dict[str, tuple[tuple[str, ...], str]]] = {"normalize": (("embedding",), "normalize")}

    kind: Literal["embedding"]
    """What it is."""
    embedding: TensorName
    """The output that has the numbers."""
    normalize: Literal["l2"] | None = None
    """As at an output: `l2` has the app divide the numbers by their length."""

    def implied(self) -> dict[str, dict[str, Any]]:
        return {self.embedding: {**super().implied().get(self.embedding, {}), "content": "embedding"}}
