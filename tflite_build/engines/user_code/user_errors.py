"""What goes wrong in the user's Python code, as a problem of theirs: their files, their lines, what to do.

Knows the stage that the code ran in, nothing of what the code was for.
"""

from __future__ import annotations

import linecache
import os
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

from tflite_build.engines.contract import Invalid
from tflite_build.errors import near_miss

from .staging import Staging

_FRAMES = 12  # of a traceback, the innermost
_LOOPING = 4  # of one that never ends
_LINES = 15  # of an exception's text
_HERE = str(Path(__file__).parents[1])
_HDF5 = (".h5", ".hdf5", ".keras")


class MissingModule(Invalid):
    """User code imports a module that the toolchain does not have.

    Attributes:
        module: Its top-level name.
    """

    def __init__(self, module: str, problem: Invalid) -> None:
        super().__init__(problem.message, problem.key, problem.hint, problem.detail)
        self.module = module


class UserErrors:
    """Turns exceptions of user code into problems.

    Args:
        files_key: The key of model.toml where files are named that are opened below Python's sight.
    """

    def __init__(self, staging: Staging, files_key: str) -> None:
        self._staging = staging
        self._files_key = files_key

    def explain(self, error: BaseException, key: str, file: str) -> Invalid:
        """The problem that `error` is.

        Args:
            error: What was raised.
            key: The key of model.toml that made the code run.
            file: The user's file that ran, in case that no line of theirs was reached.
        """
        frames = self._frames(error)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else file
        lines = self._shown(frames[-_LOOPING:] if isinstance(error, RecursionError) else frames)
        if isinstance(error, SystemExit):
            return Invalid(f"{where} ended the program: sys.exit({error.code!r})", key, detail=lines)
        if isinstance(error, RecursionError):
            return Invalid(f"{where} calls itself without end ({error})", key, detail=lines)
        if isinstance(error, SyntaxError) and error.filename and self._relative(error.filename) is not None:
            return self._syntax(error, key)
        if isinstance(error, ModuleNotFoundError) and error.name:
            return self._missing_module(error, key, where, lines)
        hidden = self._hidden_file(error)
        if hidden:
            return Invalid(
                f"{where} opens '{hidden[0]}' in a way that cannot be seen (below Python), so it is not there",
                self._files_key,
                f'add `files = ["{hidden[0]}"]` to [{self._files_key.rpartition(".")[0] or self._files_key}]',
                f"{lines}\n{type(error).__name__}: {_text(error)}".strip(),
            )
        hint = ""
        if isinstance(error, FileNotFoundError) and isinstance(error.filename, str | os.PathLike):
            hint = self._missing_file_hint(os.fspath(error.filename))
        elif type(error).__name__ == "InconclusiveDimensionOperation" or "'_DimExpr'" in str(error):  # JAX's
            hint = "the code depends on the size of an open dimension: write a number for it in `shape`"
        first, *rest = self._told(error) or [""]
        told = f"{type(error).__name__}: {first[:300]}" if first else type(error).__name__
        return Invalid(f"{where} raised {told}", key, hint, "\n".join(part for part in (lines, *rest[:_LINES]) if part))

    def _told(self, error: BaseException) -> list[str]:
        """The lines of the error's text, with the user's paths, and without those about this tool's own code."""
        text = re.sub(r" at 0x[0-9a-f]+", "", _text(error)).replace(f"{self._staging.stage}{os.sep}", "")
        return [line for line in text.splitlines() if _HERE not in line]

    def _frames(self, error: BaseException) -> list[traceback.FrameSummary]:
        """The frames of the user's files, outermost first, with paths as the user knows them."""
        found = []
        for frame in traceback.extract_tb(error.__traceback__):
            relative = self._relative(frame.filename)
            if relative:
                line = linecache.getline(frame.filename, frame.lineno or 0).strip()
                found.append(traceback.FrameSummary(relative, frame.lineno, frame.name, line=line))
        return found

    def _relative(self, path: str) -> str | None:
        return self._staging.relative(path) if Path(path).is_absolute() else None

    def _shown(self, frames: Sequence[traceback.FrameSummary]) -> str:
        lines = []
        if len(frames) > _FRAMES:
            lines.append(f"... {len(frames) - _FRAMES} more calls")
        for frame in frames[-_FRAMES:]:
            lines.append(f"{frame.filename}:{frame.lineno}, in {frame.name}")
            if frame.line:
                lines.append(f"    {frame.line}")
        return "\n".join(lines)

    def _syntax(self, error: SyntaxError, key: str) -> Invalid:
        file = self._relative(str(error.filename))
        shown = (error.text or "").rstrip()
        return Invalid(
            f"{file}:{error.lineno} is not Python: {error.msg}", key, detail=f"    {shown.strip()}" if shown else ""
        )

    def _missing_module(self, error: ModuleNotFoundError, key: str, where: str, lines: str) -> Invalid:
        name = str(error.name)
        top = name.partition(".")[0]
        own = [p.stem for p in self._staging.project.glob("*.py")]
        close = near_miss(top, own)
        hint = close or (
            f'add the package that provides it to [toolchain], for example `packages = ["{top.replace("_", "-")}"]`'
        )
        problem = Invalid(f"{where} imports '{name}', which is neither a file of yours nor installed", key, hint, lines)
        return MissingModule(top, problem)

    def _hidden_file(self, error: BaseException) -> list[str]:
        """Files of the project that the code tried to open, without being seen by Python."""
        text = _text(error)
        if re.search(r"signature not found|bad object header|truncated file", text, re.IGNORECASE):
            suspects = [f for f in self._staging.listed_only if f.endswith(_HDF5)]
            if suspects:
                return suspects
        names = re.findall(r"[^\s'\"=(),;:]+", text)
        if isinstance(error, OSError) and isinstance(error.filename, str):
            names.insert(0, error.filename)
        elif not re.search(r"no such file|not found|does not exist|unable to|cannot open", text, re.IGNORECASE):
            return []
        found = []
        for name in names:
            relative = self._staging.relative(name)
            if relative and self._staging.unseen(relative):
                found.append(relative)
        return found

    def _missing_file_hint(self, path: str) -> str:
        relative = self._staging.relative(path)
        if relative is None:
            if Path(path).is_absolute():
                return ""
            return f"'{path}' lies outside of the folder of model.toml, where relative paths lead nowhere"
        folder = self._staging.project / Path(relative).parent
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        close = near_miss(Path(relative).name, names)
        return close or f"there is no '{relative}' in the folder of model.toml"


def _text(error: BaseException) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()  # Keras writes in bold
