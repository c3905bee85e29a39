"""From what a user names (files, folders, a target after a colon) to models and their variants."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tflite_build.errors import BuildError, Problem, SpecError, UsageError, near_miss
from tflite_build.spec import SPEC_NAME
from tflite_build.spec.load import LoadedSpec, load
from tflite_build.spec.rules import absent

from .driver import Target, out_folder

_SKIPPED = ("build", "node_modules", "__pycache__", "venv")


def targets(
    names: Sequence[str | Path], out_dir: Path | None = None, *, files: bool = True
) -> tuple[list[Target], list[BuildError]]:
    """The targets that `names` mean, each once, and what is wrong with the specs that could not be read.

    Args:
        names: Files or folders, each with a variant after a colon where one is meant.
        out_dir: Where build folders go, where that is not beside each spec.
        files: Whether what the specs name has to be there.

    Raises:
        UsageError: If a name means nothing.
        SpecError: If two models would write the same files.
    """
    found: dict[Path, tuple[LoadedSpec, set[str]]] = {}
    errors: list[BuildError] = []
    seen: dict[Path, BuildError] = {}
    for name in names:
        path, variant = split(str(name))
        hit = False
        specs = specs_under(path)
        for file in specs:
            own = file.resolve()
            if own in seen:
                continue
            try:
                loaded = found[own][0] if own in found else load(file, files=files)
            except SpecError as error:
                seen[own] = error
                errors.append(error)
                continue
            known = tuple(loaded.spec.variant) or ("float32",)
            if variant and variant not in known:
                if len(specs) > 1:
                    continue
                raise UsageError(
                    Problem(
                        f"model '{loaded.spec.model.name}' has no variant '{variant}'",
                        loaded.place("variant"),
                        near_miss(variant, known) or f"it has {', '.join(known)}",
                    )
                )
            hit = True
            entry = found.setdefault(own, (loaded, set()))
            entry[1].update([variant] if variant else known)
        if variant and not hit and not errors:
            raise UsageError(Problem(f"no model under {path} has a variant '{variant}'"))
    _distinct([loaded for loaded, _ in found.values()], out_dir)
    result = []
    for loaded, wanted in found.values():
        known = tuple(loaded.spec.variant) or ("float32",)
        result.append(Target(loaded, () if wanted == set(known) else tuple(v for v in known if v in wanted)))
    return result, errors


def _distinct(specs: Sequence[LoadedSpec], out_dir: Path | None) -> None:
    outputs: dict[tuple[Path, str], LoadedSpec] = {}
    for loaded in specs:
        folder = out_folder(loaded, out_dir).resolve()
        other = outputs.setdefault((folder.parent, folder.name.casefold()), loaded)
        if other is loaded:
            continue
        name, theirs = loaded.spec.model.name, other.spec.model.name
        same = f"is also the name of {other.file}" if name == theirs else f"is '{theirs}' of {other.file} in other case"
        where = "" if name == theirs else " where case makes no difference, as on macOS"
        raise SpecError(
            loaded.problem(
                "model.name",
                f"'{name}' {same}, so both would write the same files{where}",
                "give one of them another name",
            )
        )


def split(name: str) -> tuple[Path, str]:
    """A path and the target after its last colon, "" where there is no colon.

    Raises:
        UsageError: If nothing stands behind the colon.
    """
    if ":" not in name or there(Path(name)):
        return Path(name), ""
    path, _, variant = name.rpartition(":")
    if not variant:
        raise UsageError(Problem(f"'{name}' names no variant after its colon", hint=f"'{path}' means all of them"))
    return Path(path or "."), variant


def there(path: Path) -> bool:
    """Whether there is something at `path`.

    Raises:
        UsageError: If it is a name that cannot be looked for, or stands in a folder that may not be entered.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(Problem(f"cannot open '{path}': {reason}")) from None
    return True


def file(path: Path) -> Path:
    """`path`, which has to be a file.

    Raises:
        UsageError: If it is none.
    """
    if not there(path):
        message, hint = absent(path, str(path), "file")
        raise UsageError(Problem(message, hint=hint))
    if path.is_dir():
        raise UsageError(Problem(f"'{path}' is a folder, not a file"))
    return path


def specs_under(path: Path) -> list[Path]:
    """The model.toml files that `path` means, sorted.

    Raises:
        UsageError: If there is none.
    """
    if not there(path):
        message, hint = absent(path, str(path), "file or folder")
        raise UsageError(Problem(message, hint=hint or "`tflite-build init` writes a model.toml to start from"))
    if not path.is_dir():
        return [path]
    files = []
    for base, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        if SPEC_NAME in names:
            files.append(Path(base, SPEC_NAME))
    if not files:
        raise UsageError(
            Problem(f"there is no {SPEC_NAME} in '{path}'", hint="`tflite-build init MODEL` writes one for a model")
        )
    return files
