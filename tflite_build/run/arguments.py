"""What the functions of the Python API are given: wrong types are told at once, by the argument's name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tflite_build.errors import Problem, UsageError
from tflite_build.progress import Event, Listener


def path(value: Any, name: str) -> Path:
    """`value` as a path.

    Raises:
        TypeError: If it is no str and no path.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"'{name}' has to be a path (a str or a Path), not {_kind(value)}")
    return Path(value)


def targets(value: Any) -> list[str | Path]:
    """A path, or several, as a list.

    Raises:
        TypeError: If it is anything else.
        UsageError: If there are none.
    """
    if isinstance(value, str | os.PathLike):
        return [value if isinstance(value, str) else Path(value)]
    if not isinstance(value, Iterable) or isinstance(value, bytes | bytearray | Mapping):
        raise TypeError(f"'targets' has to be a path (a str or a Path) or a list of paths, not {_kind(value)}")
    found: list[str | Path] = []
    for number, one in enumerate(value):
        found.append(one if isinstance(one, str) else path(one, f"targets[{number}]"))
    if not found:
        raise UsageError(Problem("'targets' is empty", hint="name a model.toml or a folder; '.' is the current one"))
    return found


def text(value: Any, name: str) -> str | None:
    """`value`, which is a str or None.

    Raises:
        TypeError: If it is anything else.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"'{name}' has to be a str or None, not {_kind(value)}")
    return value


class _ListenerFailedError(BaseException):
    """What `on_event` raised, on its way through code that handles errors of its own."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


@contextmanager
def listening(on_event: Any) -> Iterator[Listener]:
    """`on_event` as a listener; what it raises ends the block and comes out as it is, whoever called it.

    Raises:
        TypeError: If it cannot be called.
    """
    if not callable(on_event):
        raise TypeError(f"'on_event' has to be a function that takes an event, not {_kind(on_event)}")
    call: Callable[[Event], Any] = on_event

    def listener(event: Event) -> None:
        try:
            call(event)
        except Exception as error:
            raise _ListenerFailedError(error) from None

    failed: Exception | None = None
    try:
        yield listener
    except _ListenerFailedError as caught:
        failed = caught.error
    if failed is None:
        return
    context = failed.__context__
    try:
        raise failed
    finally:
        failed.__context__ = context  # raising has put this tool's own exception there


def _kind(value: Any) -> str:
    return "None" if value is None else f"{type(value).__name__} ({str(value)[:40]})"
