"""A Keras model from a file or from the user's code, under whatever backend Keras has; its errors told as the user's.

What the backends do differently they say themselves, as a `Backend`. Knows nothing of what is done with the model.
Import Keras's backend first: Keras takes the one that it finds (see `keras_on_jax` and `keras_tensorflow`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

import keras

from tflite_build.engines.contract import (
    DEFAULT_SIGNATURE,
    Declared,
    DeclaredInput,
    Interface,
    Invalid,
    Refused,
    Request,
    SignatureSpec,
    TensorSpec,
)
from tflite_build.engines.user_code.user_errors import MissingModule
from tflite_build.engines.user_code.usercode import Stage

from . import keras2_config, keras2_load, keras_file, source_shapes
from .keras_names import KerasCall, source_inputs
from .keras_precision import compute_in_full
from .keras_steps import take_open_steps

T = TypeVar("T")

_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32"}


class Backend(Protocol):
    """What differs between the frameworks that Keras computes with."""

    @property
    def name(self) -> str:
        """For messages, such as "Keras on JAX"."""

    @property
    def foreign(self) -> Mapping[str, str]:
        """Modules that another engine has and this one lacks on purpose -> what people call them."""

    @property
    def wide(self) -> bool:
        """Whether it has 64-bit numbers."""

    def loading(self) -> AbstractContextManager[None]:
        """Around everything that makes variables."""

    def check(self, file: keras_file.KerasFile) -> None:
        """Raise Refused where the file needs what this backend lacks."""

    def objects(self, error: Exception) -> bool:
        """Whether code of the user's that raised `error` may well run under another backend."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to be traced.

    Attributes:
        model: The `keras.Model`, built, with its weights, computing in the types of its variables.
        call: The model with flat, named inputs and outputs.
        inputs: The call's inputs, in order.
    """

    model: Any
    call: KerasCall
    inputs: tuple[TensorSpec, ...]

    def infer(self, *tensors: Any) -> Sequence[tuple[str, Any]]:
        """Named outputs for one tensor per input; what the model changes in itself meanwhile ends with the call."""
        with keras.StatelessScope():
            return self.call(*tensors)


class KerasSource:
    """The source of one model.

    Args:
        request: Its parameters path, entry, weights, imports, files, allow_code are as in [source] of model.toml;
            `declared` is what the spec says of the inputs. Its input `model` is the file at `path`, which is taken from
            the project where that is missing.
        stage: Where user code runs; None where there is none to run.
        backend: The framework that Keras computes with.
    """

    def __init__(self, request: Request, stage: Stage | None, backend: Backend) -> None:
        params: Mapping[str, Any] = request.params
        self._request = request
        self._stage = stage
        self._backend = backend
        self._entry = str(params.get("entry") or "")
        self._weights = str(params.get("weights") or "")
        self._imports: Sequence[str] = params.get("imports") or ()
        self._allow_code = bool(params.get("allow_code"))
        self._key = "source.entry" if self._entry else "source.path"
        self._shown = str(params.get("path") or self._entry)
        declared = Declared.from_json(params.get("declared", {}))
        source_shapes.check_signatures(declared, [DEFAULT_SIGNATURE])
        self._declared = declared.inputs(DEFAULT_SIGNATURE)

    @classmethod
    @contextmanager
    def opened(cls, request: Request, backend: Backend) -> Iterator[KerasSource]:
        """The source of `request`, with a stage around it where the user's code runs."""
        if request.params.get("entry") or request.params.get("imports"):
            with Stage(request) as stage:
                yield cls(request, stage, backend)
        else:
            yield cls(request, None, backend)

    def load(self) -> LoadedModel:
        """The model.

        Raises:
            Invalid: The file, the user's code or the spec is wrong.
            Refused: Keras cannot load or build it with this backend.
        """
        # Names that Keras makes up count within a session, and so do the seeds of what is random.
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(0)
        with self._backend.loading():
            model = self._build() if self._entry else self._read()
            call = KerasCall(model, tuple(self._declared))
            inputs = self._inputs(call)
            if not model.built:
                self.guarded(lambda: call(*map(_symbolic, inputs)))
            if self._weights:
                self._load_weights(model)
        compute_in_full(model)
        take_open_steps(model)
        return LoadedModel(model, call, inputs)

    def guarded(self, work: Callable[[], T]) -> T:
        """Run the model's own code.

        Raises:
            Invalid: A line of the user's fails.
            Refused: Keras fails.
        """
        try:
            with self._explained():
                return work()
        except (Invalid, Refused, MemoryError):
            raise
        except Exception as error:
            text = str(error).strip()
            dynamic = "with a dynamic dimension " if "symbolic dimension" in text or "InconclusiveDim" in text else ""
            raise Refused(
                f"{self._backend.name} cannot run this model {dynamic}({type(error).__name__}: {_first_line(text)})",
                (),
                "\n".join(text.splitlines()[:12]),
            ) from error

    def tell(self, signature: SignatureSpec) -> None:
        """Write `interface.json`.

        Raises:
            Invalid: The model returns nothing.
        """
        if not signature.outputs:
            raise Invalid(f"'{self._shown}' has no outputs", self._key)
        self._request.write_json("interface.json", Interface((signature,)).to_json())

    def _build(self) -> Any:
        assert self._stage is not None  # an entry is user code
        with self._others():
            self._stage.modules(self._imports)
            build = self._stage.entry(self._entry, "source.entry")
            model = self._stage.call(build, key="source.entry")
        if not isinstance(model, keras.Model):
            found = "None" if model is None else f"an object of the type {type(model).__name__}"
            raise Invalid(f"{self._entry} returned {found}; it has to return a keras.Model", "source.entry")
        return model

    def _read(self) -> Any:
        path = self._file()
        file = keras_file.look(path, self._shown)
        keras_file.check_operations(file, self._shown)
        keras_file.check_code(file, self._shown, self._allow_code)
        self._backend.check(file)
        with self._others():
            custom = _own_objects(self._stage.modules(self._imports) if self._stage is not None else [])
        custom |= {c.name: custom[c.class_name] for c in file.custom if c.class_name in custom}
        for one in file.custom:
            if keras.saving.get_registered_object(one.name, custom_objects=dict(custom)) is None:
                raise self._not_registered(one)
        try:
            with self._explained():
                if file.legacy:
                    return keras2_load.load(path, custom, safe_mode=not self._allow_code)
                return keras.models.load_model(
                    path, custom_objects=custom, compile=False, safe_mode=not self._allow_code
                )
        except (Invalid, Refused, MemoryError):
            raise
        except Exception as error:
            raise self._unloadable(error, file) from error

    def _file(self) -> Path:
        path = self._request.inputs.get("model")
        if path is None:
            assert self._stage is not None  # without the file there is the project
            return self._stage.file(self._shown, "source.path")
        return path

    def _inputs(self, call: KerasCall) -> tuple[TensorSpec, ...]:
        inputs = [
            replace(i, dtype=self._dtype(i, self._declared.get(i.name, DeclaredInput()).dtype))
            for i in source_inputs(call, self._declared)
        ]
        source_shapes.check_text(inputs, self._key)
        return source_shapes.resolve(inputs, self._declared, DEFAULT_SIGNATURE, alone=True)

    def _dtype(self, source: source_shapes.SourceInput, said: str) -> str:
        """32 bits take the place of 64, which few kernels take and no app has, unless the spec asks for them."""
        if source.dtype not in _NARROW:
            return source.dtype
        if said != source.dtype:
            return _NARROW[source.dtype]
        if not self._backend.wide:
            raise Refused(f"{self._backend.name} has no {said}, which the spec gives for the input '{source.name}'")
        return source.dtype

    def _load_weights(self, model: Any) -> None:
        assert self._stage is not None  # weights go with an entry
        path = self._stage.file(self._weights, "source.weights")
        try:
            model.load_weights(path)
        except MemoryError:
            raise
        except Exception as error:
            text = str(error).strip()
            raise Invalid(
                f"the weights in '{self._weights}' do not fit the model that {self._entry} returns: {_first_line(text)}",
                "source.weights",
                detail="\n".join(text.splitlines()[1:12]),
            ) from None

    @contextmanager
    def _others(self) -> Iterator[None]:
        """What the user's code misses here, and another engine has, is no mistake of theirs."""
        try:
            yield
        except MissingModule as missing:
            name = self._backend.foreign.get(missing.module)
            if name is None:
                raise
            reason = f"the user's code imports {name}, which is not part of this engine"
            raise Refused(reason, (), missing.detail) from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Exceptions in which the user's lines took part are theirs; others, and what the backend objects to, pass."""
        stage = self._stage
        if stage is None:
            yield
            return
        passed: Exception | None = None
        with self._others(), stage.explained(self._key, self._entry.partition(":")[0] or self._shown):
            try:
                yield
            except Exception as error:
                if stage.is_users(error) and not self._backend.objects(error):
                    raise
                passed = error
        if passed is not None:
            raise passed

    def _unloadable(self, error: Exception, file: keras_file.KerasFile) -> Exception:
        text = str(error).strip()
        unknown = re.search(r"Unknown [\w ]*: '?([\w>.]+)'?|Could not locate (?:class|function) '([\w>.]+)'", text)
        if unknown:
            name = unknown[1] or unknown[2]
            return self._not_registered(keras_file.CustomObject(name, name, ""))
        for module, name in self._backend.foreign.items():
            if re.search(module, text, re.IGNORECASE) and isinstance(error, (ImportError, NotImplementedError)):
                return Refused(f"Keras needs {name} for this model: {_first_line(text)}")
        if isinstance(error, (zipfile.BadZipFile, OSError)):
            return keras_file.damaged(self._shown, error)
        written = f" It was written by Keras {file.version}." if file.version else ""
        return Invalid(
            f"Keras {keras.__version__} cannot load '{self._shown}': {type(error).__name__}: {_first_line(text)}",
            "source.path",
            f"load it once with keras.models.load_model in Python, and save it again with Keras 3.{written}",
            "\n".join(text.splitlines()[1:12]),
        )

    def _not_registered(self, one: keras_file.CustomObject) -> Invalid:
        if one.name in keras2_config.REMOVED:
            return Invalid(
                f"'{self._shown}' needs '{one.name}', which Keras 3 does not have any more",
                "source.imports",
                'write a class of that name in a Python file and name it: `imports = ["layers.py"]` in [source]',
            )
        place = f" of the module '{one.module}'" if one.module and one.module != "__main__" else ""
        registered = f" (registered as '{one.name}')" if one.name != one.class_name else ""
        return Invalid(
            f"'{self._shown}' needs '{one.class_name}'{place}{registered}, which is not Keras's own and which no file of "
            "`imports` defines",
            "source.imports",
            'name the Python file that defines it, for example `imports = ["layers.py"]` in [source], and decorate it '
            "with @keras.saving.register_keras_serializable()",
        )


def _own_objects(modules: Sequence[ModuleType]) -> dict[str, Any]:
    """Classes and functions that the modules define, by name: files of Keras 2 do not register theirs."""
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    }


def _symbolic(spec: TensorSpec) -> Any:
    return keras.KerasTensor([None if isinstance(d, str) else d for d in spec.shape], spec.dtype)


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0][:300]
