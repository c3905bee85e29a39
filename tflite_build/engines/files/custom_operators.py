"""The custom operators of a file that an app registers by itself, and the user's libraries that have their kernels.

A library has a function that registers a kernel, which takes what one of the runtime's two interfaces gives it: a
`tflite::MutableOpResolver*` (mutable_op_resolver.h), or a `LiteRtOptions` (litert_custom_op_kernel.h). It runs in this
process, as the user's own code does.
"""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tflite_build.engines.contract import FailingOperator, Invalid, Refused, Request
from tflite_build.engines.words import quoted
from tflite_build.tflite import reader
from tflite_build.tflite.custom import own

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

    def function(self) -> Callable[[int], int]:
        """The function that registers, of the address of what it takes; what it returns means nothing to a resolver.

        Raises:
            Invalid: If the library cannot be loaded, or has no such function.
        """
        # A copy: the system's loader takes a library that was built anew for the one that it has.
        with tempfile.NamedTemporaryFile(suffix=".so") as copy:
            shutil.copyfile(self.file, copy.name)
            try:
                loaded = ctypes.CDLL(copy.name)
            except OSError as error:
                failed = str(error).replace(copy.name, self.name)
                loaded = None
        if loaded is None:
            reason = failed.removeprefix(f"{self.name}: ")
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


def libraries(request: Request) -> tuple[Library, ...]:
    """The libraries that the step is given.

    Raises:
        Invalid: If they are for different interfaces, which no runtime has at once.
    """
    found = []
    for name, said in request.params.get(PARAM, {}).items():
        if said:
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


def not_run(request: Request, name: str = "model") -> tuple[str, ...]:
    """The custom operators for which the file given as `name` cannot be run: those that no library is given for."""
    with reader.model(request.inputs[name]) as model:
        return missing(own(model), libraries(request))


def missing(names: Sequence[str], given: Sequence[Library]) -> tuple[str, ...]:
    """Those of the custom operators called `names` that no library is given for."""
    return tuple(sorted(set(names) - {library.operator for library in given}))


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


def _interface(library: Path) -> Interface:
    """By what the library calls: only the kernels of a CompiledModel are registered by this function of LiteRT's."""
    return "compiled-model" if _OF_OPTIONS in library.read_bytes() else "interpreter"


def _bare(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else f'"{name}"'
