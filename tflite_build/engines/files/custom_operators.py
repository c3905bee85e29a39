"""The custom operators of a file that an app registers by itself, and the user's libraries that have their kernels.

A library has a function that registers a kernel, which takes what one of the runtime's two interfaces gives it: a
`tflite::MutableOpResolver*` (mutable_op_resolver.h), or a `LiteRtOptions` (litert_custom_op_kernel.h). It runs in this
process, as the user's own code does.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tflite_build.engines.contract import FailingOperator, Invalid, Refused, Request
from tflite_build.engines.words import quoted
from tflite_build.tflite import reader
from tflite_build.tflite.custom import own
from tflite_build.tflite.flatbuffer import FormatError

Interface = Literal["interpreter", "compiled-model"]
PARAM = "custom_ops"
_OF_OPTIONS = b"LiteRtAddCustomOpKernelOption"


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library with the kernel of one operator.

    Attributes:
        operator: The custom operator's name.
        file: The library.
        name: The library as the spec names it.
        registerer: The function in it that registers the kernel.
        interface: What that function takes.
    """

    operator: str
    file: Path
    name: str
    registerer: str
    interface: Interface

    @property
    def key(self) -> str:
        """Its table in model.toml."""
        return f'compatibility.custom_ops."{self.operator}"'

    def registers_another(self) -> Invalid:
        """The mistake of a library whose function registers no such operator."""
        return Invalid(
            f"'{self.registerer}' of '{self.name}' registers no operator '{self.operator}'",
            f"{self.key}.registerer",
            "the name that it registers, its version among them, has to be the one in the model",
        )

    def function(self) -> Callable[[int], int]:
        """The function that registers, of the address of what it takes; what it returns means nothing to a resolver.

        Raises:
            Invalid: If the library cannot be loaded, or has no such function.
        """
        try:
            loaded = _loaded(self.file)
        except OSError as error:
            reason = str(error).partition(": ")[2] or str(error)
            raise Invalid(
                f"'{self.name}' cannot be loaded: {reason}",
                f"{self.key}.library",
                "it has to be a shared library for this machine, whose own libraries are found",
            ) from None
        try:
            found = getattr(loaded, self.registerer)
        except AttributeError:
            raise Invalid(
                f"'{self.name}' has no function '{self.registerer}'",
                f"{self.key}.registerer",
                'C++ gives functions other names, unless they are declared extern "C"',
            ) from None
        found.argtypes, found.restype = [ctypes.c_void_p], ctypes.c_int

        def registered(address: int) -> int:
            return int(found(address))

        return registered


def libraries(request: Request, names: Collection[str]) -> tuple[Library, ...]:
    """The libraries that the step is given for the operators called `names`.

    Raises:
        Invalid: If they are for different interfaces, which no runtime has at once.
    """
    found = []
    for name, said in request.params.get(PARAM, {}).items():
        if said and name in names:
            file = request.inputs[said["input"]]
            interface = said["interface"] or _interface(file)
            found.append(Library(name, file, said["library"], said["registerer"], interface))
    first = next(iter(found), None)
    for other in found:
        if first is not None and other.interface != first.interface:
            raise Invalid(
                f"'{first.name}' registers with the {first.interface} API and '{other.name}' with the "
                f"{other.interface} API; no runtime has both",
                f"{other.key}.library",
                "build both libraries for the API that the app uses",
            )
    return tuple(found)


def of(model: Path | bytes) -> tuple[str, ...]:
    """The custom operators of a file that an app registers by itself; none of a damaged one, which the runtime refuses."""
    try:
        if isinstance(model, bytes):
            return own(reader.parse(memoryview(model)))
        with reader.model(model) as read:
            return own(read)
    except FormatError:
        return ()


def not_run(request: Request, name: str = "model") -> tuple[str, ...]:
    """The custom operators for which the file given as `name` cannot be run: those that no library is given for."""
    names = of(request.inputs[name])
    return tuple(sorted(set(names) - {operator for operator, said in request.params.get(PARAM, {}).items() if said}))


def check_allowed(names: Sequence[str], request: Request) -> None:
    """Hold the custom operators of a file against what the spec allows.

    Raises:
        Refused: If it does not allow one.
    """
    found = [name for name in names if name not in request.params.get(PARAM, {})]
    if found:
        tables = " and ".join(f"[compatibility.custom_ops.{_bare(name)}]" for name in found)
        raise Refused(
            f"the model has {quoted(found)}, which no runtime carries: {tables} says that the app registers "
            f"{'its kernel' if len(found) == 1 else 'their kernels'}",
            [FailingOperator(name, "custom") for name in found],
        )


def needed(what: str, names: Sequence[str]) -> Invalid:
    """The mistake of a spec that wants a file run, and gives no library for the operators called `names`."""
    return Invalid(
        f"{what}, and it is not run: it needs {quoted(names)}",
        f'compatibility.custom_ops."{names[0]}"',
        "give `library` and `registerer`, a shared library that has the kernel",
    )


_LOADED: dict[str, ctypes.CDLL] = {}  # by content
_PLACES: set[str] = set()  # where they were loaded from


def _loaded(library: Path) -> ctypes.CDLL:
    """The library, once in this process.

    From its own place, so that it finds the libraries beside it; but from a copy where another one was loaded from there,
    since the system's loader takes one that was built anew for the one that it has.
    """
    with library.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    if content not in _LOADED:
        place = os.path.realpath(library)
        if place in _PLACES:
            with tempfile.NamedTemporaryFile(suffix=".so") as copy:
                shutil.copyfile(library, copy.name)
                _LOADED[content] = ctypes.CDLL(copy.name)
        else:
            _LOADED[content] = ctypes.CDLL(place)
            _PLACES.add(place)
    return _LOADED[content]


def _interface(library: Path) -> Interface:
    """By what the library calls: only the kernels of a CompiledModel are registered by this function of LiteRT's."""
    with library.open("rb") as file:
        if not file.seek(0, 2):
            return "interpreter"  # which cannot load an empty file, and says so
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return "compiled-model" if data.find(_OF_OPTIONS) >= 0 else "interpreter"


def _bare(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else f'"{name}"'
