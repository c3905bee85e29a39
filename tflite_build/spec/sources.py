"""[source]: where a model comes from, one type for each format."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    StringConstraints,
    model_validator,
)

from .base import SpecModel
from .values import Entry, Name, Paths, RelativePath, Sha256, Strings, wrong


class Download(SpecModel):
    """Keys that every source may have to be fetched instead of lying beside model.toml."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    """Where to fetch the model, or a .zip, .tar, .tar.gz (.tgz), .tar.xz or .tar.bz2 archive with it. Needs `sha256`."""
    sha256: Sha256 | None = None
    """The SHA-256 of what `url` gives, in 64 lower-case hexadecimal digits."""

    @model_validator(mode="after")
    def _both(self) -> Download:
        if self.url and not self.sha256:
            raise wrong("'url' needs 'sha256', so that a build can be repeated", "url")
        if self.sha256 and not self.url:
            raise wrong("'sha256' is only for a source with 'url'", "sha256")
        return self


class SignatureEntry(SpecModel):
    """One signature of a `function` or `jax` source."""

    entry: Entry
    """The function, as `FILE.py:NAME`."""


class KerasSource(Download):
    """A Keras model: a file, or a function that builds it."""

    format: Literal["keras"]
    """The source's format."""
    path: RelativePath | None = None
    """A `.keras` file (Keras 3), or an `.h5` or `.hdf5` file (Keras 2); with `url` the member of the archive."""
    entry: Entry | None = None
    """Instead of `path`: a function without arguments that returns the model, as `FILE.py:NAME`."""
    weights: RelativePath | None = None
    """A `.weights.h5` file, loaded into the model that `entry` returns."""
    imports: Paths = ()
    """Python files that register the model's custom layers; run before the model is loaded."""
    files: Paths = ()
    """Further files that the user's code opens below Python's sight (HDF5, shared libraries)."""
    allow_code: bool = False
    """Whether a `.keras` file with Lambda layers, which carry Python code, may be loaded."""

    @model_validator(mode="after")
    def _one_form(self) -> KerasSource:
        if self.entry and (self.path or self.url):
            raise wrong("give either 'path' (or 'url') or 'entry', not both", "entry")
        if not (self.entry or self.path or self.url):
            raise wrong("a keras source needs 'path', 'url' or 'entry'")
        if self.weights and not self.entry:
            raise wrong("'weights' belongs to 'entry': a model file carries its own", "weights")
        if self.path and not self.path.endswith((".keras", ".h5", ".hdf5")):
            raise wrong(f"'path' of a keras source ends in .keras, .h5 or .hdf5, not '{self.path}'", "path")
        return self


class SavedModelSource(Download):
    """A TensorFlow SavedModel folder, of any age."""

    format: Literal["saved_model"]
    """The source's format."""
    path: RelativePath | None = None
    """The folder that holds saved_model.pb; with `url` the member of the archive, `"."` for all of it."""
    tags: Strings | None = None
    """The tags of the meta graph to take; needed where the SavedModel has several. Default: `["serve"]`."""
    signatures: Strings | None = None
    """The signatures to convert. Default: all of them."""

    @model_validator(mode="after")
    def _one_form(self) -> SavedModelSource:
        if not (self.path or self.url):
            raise wrong("a saved_model source needs 'path' or 'url'")
        return self


class FunctionSource(SpecModel):
    """TensorFlow functions in the user's own Python file."""

    format: Literal["function"]
    """The source's format."""
    entry: Entry | None = None
    """A tf.function, concrete function or callable, as `FILE.py:NAME`; it becomes the signature `serving_default`."""
    signature: dict[Name, SignatureEntry] = {}
    """Instead of `entry`: several signatures, each with its own `entry`."""
    files: Paths = ()
    """Further files that the user's code opens below Python's sight (HDF5, shared libraries)."""

    @model_validator(mode="after")
    def _one_form(self) -> FunctionSource:
        _entry_or_signatures(self.format, self.entry, self.signature)
        return self


class JaxSource(SpecModel):
    """JAX functions in the user's own Python file."""

    format: Literal["jax"]
    """The source's format."""
    entry: Entry | None = None
    """A function of arrays, as `FILE.py:NAME`; it becomes the signature `serving_default`."""
    signature: dict[Name, SignatureEntry] = {}
    """Instead of `entry`: several signatures, each with its own `entry`."""
    files: Paths = ()
    """Further files that the user's code opens below Python's sight (HDF5, shared libraries)."""

    @model_validator(mode="after")
    def _one_form(self) -> JaxSource:
        _entry_or_signatures(self.format, self.entry, self.signature)
        return self


class TfliteSource(Download):
    """An existing .tflite file, to quantize and check."""

    format: Literal["tflite"]
    """The source's format."""
    path: RelativePath | None = None
    """The .tflite file; with `url` the member of the archive."""

    @model_validator(mode="after")
    def _one_form(self) -> TfliteSource:
        if not (self.path or self.url):
            raise wrong("a tflite source needs 'path' or 'url'")
        return self


def _entry_or_signatures(format_: str, entry: str | None, signatures: dict[str, SignatureEntry]) -> None:
    if entry and signatures:
        raise wrong("give either 'entry' or [source.signature.NAME], not both", "entry")
    if not entry and not signatures:
        raise wrong(f"a {format_} source needs 'entry' or [source.signature.NAME] tables")


Source = Annotated[
    KerasSource | SavedModelSource | FunctionSource | JaxSource | TfliteSource, Field(discriminator="format")
]
