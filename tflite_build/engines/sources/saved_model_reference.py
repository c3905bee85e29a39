"""reference.saved_model: what a SavedModel itself computes on samples.

Every sample meets the variables as they were saved. The model is run as TensorFlow Serving runs it; one whose saver does
not restore what its signatures read (see `saved_model`) by Python's loader. Knows nothing of the converted file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid, Request
from tflite_build.engines.files import tensors
from tflite_build.engines.files.tensors import Case
from tflite_build.engines.kinds.training import Training
from tflite_build.engines.words import near_or_all

from . import saved_model_file, tf_session

Array = NDArray[Any]

# Operators that may leave something behind for the next call. A false hit only costs a second load.
_LEAVES_STATE = re.compile(
    r"^(?!TensorList).*(Assign|Scatter|Insert|Import|Remove|Random|Rng|Multinomial|Queue|Stack|Barrier|Generator"
    r"|Resource(?!Gather)|Stateful(?!PartitionedCall))"
)


def run(request: Request) -> None:
    """Compute `outputs/`: the outputs of the first `limit` samples of every case; see `kinds.training` for `training`."""
    folder = request.inputs["saved_model"]
    meta = saved_model_file.read(folder).meta_graph(request.params.get("tags"))
    limit = request.params.get("limit")
    training = Training.from_json(request.params.get("training", {}))
    samples = tensors.read(request.inputs["samples"])
    cases = []
    with RunnableSavedModel(folder, meta, training.train) as model:

        def taught(name: str, sample: Mapping[str, Array], fresh: bool) -> dict[str, Array]:
            return model.run(name, sample, {}, fresh=fresh)

        for case in samples:
            count = case.count if limit is None else min(limit, case.count)
            if training.follows(case.signature):
                training.teach(samples, taught)
            rows = [
                model.run(case.signature, case.sample(i), case.sizes, fresh=training.starts(case.signature, i))
                for i in range(count)
            ]
            stacked = {name: tensors.stack([row[name] for row in rows], name) for name in (rows[0] if rows else ())}
            cases.append(Case(case.signature, stacked, case.sizes))
    tensors.write(request.outputs / "outputs", cases)


class RunnableSavedModel:
    """A SavedModel to run by signature.

    Args:
        folder: Where it is.
        meta: Its graph.
        learning: The signatures that change what others read.
    """

    def __init__(self, folder: Path, meta: saved_model_file.MetaGraph, learning: Sequence[str] = ()) -> None:
        self._folder = folder
        self._meta = meta
        self._learning = learning
        self._session: tf_session.Session | None = None
        self._loaded: Any = None
        self._is_changed = False

    def __enter__(self) -> RunnableSavedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run(
        self, name: str, sample: Mapping[str, Array], sizes: Mapping[str, int], *, fresh: bool = True
    ) -> dict[str, Array]:
        """The outputs of the signature `name` by name.

        Args:
            sample: The inputs by name, of their full shapes; numbers are cast to the input's type.
            sizes: Those of the dynamic dimensions, for the message.
            fresh: Whether variables are as they were saved; else as the last call left them.

        Raises:
            Invalid: There is no such signature, or the model fails on the sample.
        """
        try:
            signature = self._meta.signature(name)
        except KeyError as error:
            hint = near_or_all(name, [s.name for s in self._meta.signatures])
            raise Invalid(f"the SavedModel has no signature '{name}'", "source.signatures", hint) from error
        inputs = {i.name: _fitting(sample[i.name], i.dtype) for i in signature.inputs if i.name in sample}
        if fresh and self._is_changed:
            self._close()
        self._is_changed |= self._leaves_state(name)
        try:
            if self._meta.unrestored(self._learning or [name]):
                return self._by_loader(name, inputs)
            return self._by_session(signature, inputs)
        except tf_session.SessionError as error:
            tested = ", ".join(f"{dimension} = {size}" for dimension, size in sizes.items())
            raise Invalid(
                f"the SavedModel itself fails on a test input of the signature '{name}'"
                + (f" with {tested}" if tested else ""),
                "source.path",
                "where an input's values are limited, say so: [input.NAME] range = [0, 99]"
                + ("; the sizes that are tested stand in 'sizes'" if tested else ""),
                " ".join(str(error).split())[:500],
            ) from error

    def _by_session(self, signature: saved_model_file.Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        feeds = {i.tensor: inputs[i.name] for i in signature.inputs if i.name in inputs}
        if self._session is None:
            self._session = tf_session.Session(self._folder, self._meta.tags)
        results = self._session.run(feeds, [o.tensor for o in signature.outputs])
        return {o.name: value for o, value in zip(signature.outputs, results, strict=True)}

    def _by_loader(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        import tensorflow as tf

        if self._loaded is None:  # anew: there is no other way to have all state as it was saved
            self._loaded = tf.saved_model.load(str(self._folder), tags=list(self._meta.tags))
        try:
            results = self._loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise tf_session.SessionError(str(error)) from error
        return {key: np.asarray(value) for key, value in sorted(results.items())}

    def _leaves_state(self, name: str) -> bool:
        graph = self._meta.graph
        operators = {op for node in self._meta.reached([name]) for op in graph.runs(node)}
        return any(map(_LEAVES_STATE.search, operators))

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        self._loaded = None
        self._is_changed = False


def _fitting(value: Array, dtype: str) -> Array:
    return value if dtype == "string" or value.dtype.name == dtype else value.astype(dtype)
