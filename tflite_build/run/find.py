"""From what a user names (files, folders, a target after a colon) to models and their variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import BuildError, Problem, SpecError, UsageError, near_miss
from tflite_build.spec import SPEC_NAME
from tflite_build.spec.discover import specs_in
from tflite_build.spec.load import LoadedSpec, load
from tflite_build.spec.rules import absent

from .driver import Target, out_folder
from .result import ModelResult


@dataclass(frozen=True, slots=True)
class Found:
    """What names mean.

    Attributes:
        targets: The models to look at.
        unchanged: The results of those that nothing is to be done for.
        errors: What is wrong with the specs that could not be read.
        order: All specs, as they were named.
    """

    targets: list[Target]
    unchanged: dict[Path, ModelResult]
    errors: list[BuildError]
    order: list[Path]


def targets(
    names: Sequence[str | Path],
    out_dir: Path | None = None,
    *,
    files: bool = True,
    unchanged: Callable[[Sequence[Path]], Mapping[Path, ModelResult]] = lambda _: {},
) -> Found:
    """The models that `names` mean, each once.

    Args:
        names: Files or folders, each with a variant after a colon where one is meant.
        out_dir: Where build folders go, where that is not beside each spec.
        files: Whether what the specs name has to be there.
        unchanged: Gives the results of specs that need not be read, since nothing is to be done for them.

    Raises:
        UsageError: If a name means nothing.
        SpecError: If two models would write the same files.
    """
    asked = [(path, variant, specs_under(path)) for path, variant in map(split, map(str, names))]
    own: dict[Path, Path] = {}  # a spec itself -> as it was named first
    for _, _, specs in asked:
        for file in specs:
            own.setdefault(file.resolve(), file)
    whole = {file.resolve() for _, variant, specs in asked if not variant for file in specs}
    done = unchanged([file for real, file in own.items() if real in whole])
    known: dict[Path, tuple[str, ...]] = {
        r: tuple(v.name for v in done[f].variants) for r, f in own.items() if f in done
    }
    loaded: dict[Path, LoadedSpec] = {}
    errors: list[BuildError] = []
    for real, file in own.items():
        if real in known:
            continue
        try:
            spec = load(file, files=files)
        except SpecError as error:
            errors.append(error)
            continue
        loaded[real] = spec
        known[real] = tuple(spec.spec.variant) or ("float32",)
    wanted: dict[Path, set[str]] = {real: set() for real in known}
    for path, variant, specs in asked:
        having = [r for r in (file.resolve() for file in specs) if r in known and (not variant or variant in known[r])]
        if not having and len(specs) == 1 and specs[0].resolve() in known:
            raise _no_variant(load(specs[0], files=files), variant)
        if not having and not errors:
            raise UsageError(Problem(f"no model under {path} has a variant '{variant}'"))
        for real in having:
            wanted[real].update([variant] if variant else known[real])
    _distinct(list(loaded.values()), list(done.values()), out_dir)
    targets = [
        Target(spec, () if wanted[real] == set(known[real]) else tuple(v for v in known[real] if v in wanted[real]))
        for real, spec in loaded.items()
        if wanted[real]
    ]
    return Found(targets, dict(done), errors, list(own.values()))


def _no_variant(loaded: LoadedSpec, variant: str) -> UsageError:
    known = tuple(loaded.spec.variant) or ("float32",)
    return UsageError(
        Problem(
            f"model '{loaded.spec.model.name}' has no variant '{variant}'",
            loaded.place("variant"),
            near_miss(variant, known) or f"it has {', '.join(known)}",
        )
    )


def _distinct(specs: Sequence[LoadedSpec], done: Sequence[ModelResult], out_dir: Path | None) -> None:
    outputs = {(r.folder.resolve().parent, r.folder.name.casefold()): (r.name, r.spec) for r in done}
    for loaded in specs:
        folder = out_folder(loaded, out_dir).resolve()
        name = loaded.spec.model.name
        theirs, other = outputs.setdefault((folder.parent, folder.name.casefold()), (name, loaded.file))
        if other == loaded.file:
            continue
        same = f"is also the name of {other}" if name == theirs else f"is '{theirs}' of {other} in other case"
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
    files = [Path(file) for file in specs_in(str(path))]
    if not files:
        raise UsageError(
            Problem(f"there is no {SPEC_NAME} in '{path}'", hint="`tflite-build init MODEL` writes one for a model")
        )
    return files
