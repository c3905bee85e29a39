"""Running the user's own Python: staged, watched, and with its errors told as theirs.

    with Stage(request) as stage:
        stage.modules(["layers.py"])
        model = stage.call(stage.entry("model.py:build", key="source.entry"), key="source.entry")

A step that does so leaves `recorded.json` in its outputs, whatever becomes of it: the files that the code asked for.
Knows nothing of models.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tflite_build.engines.contract import Invalid, Refused, Request
from tflite_build.engines.words import near_or_all
from tflite_build.errors import near_miss

from . import seeds
from .staging import Staging
from .user_errors import UserErrors
from .watching import Watch


class Stage:
    """The folder in which user code runs, `stage` beside the outputs; the process works in it meanwhile.

    Args:
        request: Its `project` holds the user's files; its parameter "files" names those to be there from the start.
        files_key: The key of model.toml that "files" comes from.
    """

    def __init__(self, request: Request, files_key: str = "source.files") -> None:
        if request.project is None:
            raise ValueError(f"{request.kind} runs user code and was not given the project")
        self._request = request
        self._files_key = files_key
        self.folder = request.outputs.parent / "stage"
        self.folder.mkdir()
        self._staging = Staging(request.project, self.folder)
        self._errors = UserErrors(self._staging, files_key)
        self._back = Path.cwd()

    def __enter__(self) -> Stage:
        os.chdir(self._staging.stage)
        seeds.plant()
        self._watch = Watch(self._staging)
        self._watch.roots.append(str(self._staging.stage))
        sys.argv[1:] = []
        try:
            for name in self._request.params.get("files") or ():
                self.file(name, self._files_key)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.end()
        os.chdir(self._back)
        self._request.write_json("recorded.json", self._staging.records())

    def file(self, name: str, key: str) -> Path:
        """A file or folder that the spec names, in the stage.

        Raises:
            Invalid: There is none, or it lies outside of the project.
        """
        with self._watch.paused():
            relative = self._staging.relative(str(self._staging.project / name))
            if not relative:
                raise Invalid(
                    f"'{name}' lies outside of the folder of model.toml",
                    key,
                    "move it into the folder, or link it there",
                )
            source = self._staging.project / relative
            if not source.exists():
                names = sorted(p.name for p in source.parent.iterdir()) if source.parent.is_dir() else []
                raise Invalid(f"'{name}' does not exist", key, near_miss(source.name, names))
            return self._staging.take(relative)

    def modules(self, names: Sequence[str], key: str = "source.imports") -> list[ModuleType]:
        """Import the user's files in order, such as "layers.py" or "pkg/layers.py".

        Raises:
            Invalid: One does not exist, is not Python, or fails.
        """
        return [self._module(name, key) for name in names]

    def entry(self, text: str, key: str) -> Callable[..., Any]:
        """What `FILE.py:NAME` stands for; NAME may have dots.

        Raises:
            Invalid: The file fails, has no such name, or it cannot be called.
        """
        file, _, name = text.partition(":")
        value: Any = self._module(file, key)
        for part in name.split("."):
            if not hasattr(value, part):
                names = [n for n in vars(value) if not n.startswith("_")] if hasattr(value, "__dict__") else []
                own = [n for n in names if getattr(getattr(value, n), "__module__", None) == value.__name__] \
                    if isinstance(value, ModuleType) else names  # fmt: skip
                raise Invalid(f"{file} has no '{part}'", key, near_or_all(part, sorted(own)))
            value = getattr(value, part)
        if not callable(value):
            raise Invalid(f"{text} is of the type {type(value).__name__}; a function is wanted", key)
        function: Callable[..., Any] = value
        return function

    def call(self, function: Callable[..., Any], *args: Any, key: str, **keywords: Any) -> Any:
        """What `function` returns.

        Raises:
            Invalid: It takes other arguments, or it fails.
        """
        with self.explained(key, self._file_of(function)):
            try:
                inspect.signature(function).bind(*args, **keywords)
            except ValueError:  # builtins that do not say what they take
                pass
            except TypeError as error:
                given = f"{len(args)} arguments" if args else f"{', '.join(keywords)}" if keywords else "no arguments"
                name = getattr(function, "__name__", "the entry")
                raise Invalid(f"{self._file_of(function)}: {name}() is called with {given}: {error}", key) from None
            return function(*args, **keywords)

    @contextmanager
    def explained(self, key: str, file: str) -> Iterator[None]:
        """Inside, exceptions are the user's problems, save those that are answers already and a lack of memory.

        Args:
            key: The key of model.toml that makes the code run.
            file: The user's file to blame where no line of theirs is in the traceback.
        """
        try:
            yield
        except (Invalid, Refused, MemoryError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            with self._watch.paused():
                raise self._errors.explain(error, key, file) from error

    def forget(self) -> None:
        """Have the user's modules run anew when they are next asked for, and the same random numbers drawn."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__")  # asking a lazy module would load it
            if isinstance(file, str) and self._watch.inside(file):
                del sys.modules[name]
        seeds.forget_keras()
        seeds.plant()

    def is_users(self, error: BaseException) -> bool:
        """Whether a line of the user's files took part in `error`."""
        trace = error.__traceback__
        while trace is not None:
            if self._watch.inside(trace.tb_frame.f_code.co_filename):
                return True
            trace = trace.tb_next
        return False

    def _file_of(self, function: Callable[..., Any]) -> str:
        code = getattr(inspect.unwrap(function), "__code__", None)
        return (self._staging.relative(code.co_filename) if code is not None else None) or "the entry"

    def _module(self, name: str, key: str) -> ModuleType:
        path = self.file(name, key)
        if path.is_dir() or path.suffix != ".py":
            raise Invalid(f"'{name}' is not a Python file", key)
        with self._watch.paused():
            root, dotted = _place(self._staging, path)
        if str(root) not in self._watch.roots:
            self._watch.roots.insert(0, str(root))
        loaded = sys.modules.get(dotted)
        if loaded is not None and getattr(loaded, "__file__", None) == str(path):
            return loaded
        top = dotted.partition(".")[0]
        if top in sys.stdlib_module_names or (top in sys.modules and not self._owned(sys.modules[top])):
            raise Invalid(f"'{name}' hides Python's own module '{top}'", key, "give the file another name")
        with self.explained(key, name):
            if "." in dotted:
                return importlib.import_module(dotted)
            spec = importlib.util.spec_from_file_location(dotted, path)
            assert spec is not None and spec.loader is not None  # it ends in .py
            module = importlib.util.module_from_spec(spec)
            sys.modules[dotted] = module
            spec.loader.exec_module(module)
            return module

    def _owned(self, module: ModuleType) -> bool:
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        return any(place and self._watch.inside(place) for place in places)


def _place(staging: Staging, path: Path) -> tuple[Path, str]:
    """The folder to import from, and a file's dotted name: inside of a package, that begins with the package's."""
    parts = [path.stem]
    folder = path.parent
    while folder != staging.stage:
        relative = folder.relative_to(staging.stage).as_posix()
        if not (staging.project / relative / "__init__.py").exists():
            break
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)
