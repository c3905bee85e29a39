"""From what a user names (files, folders, a target after a colon) to models and their variants."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import BuildError, Place, Problem, SpecError, UsageError, near_miss
from tflite_build.named import absent, there
from tflite_build.spec import SPEC_NAME
from tflite_build.spec.apps import APPS
from tflite_build.spec.discover import specs_in
from tflite_build.spec.load import LoadedSpec, load
from tflite_build.spec.rules import named_paths
from tflite_build.store.snapshots import Snapshot

from .driver import Target, out_folder

# How code for an app is asked for: what people call the platform, and what to write.
_APP = {"android": ("Android", 'add [android] with package = "com.example.app"'), "ios": ("iOS", "add [ios]")}


@dataclass(frozen=True, slots=True)
class Found:
    """What names mean.

    Attributes:
        targets: The models to look at.
        unchanged: What is known of those that nothing is to be done for.
        errors: What is wrong with the specs and folders that could not be read.
        order: All specs, as they were named.
    """

    targets: list[Target]
    unchanged: dict[Path, Snapshot]
    errors: list[BuildError]
    order: list[Path]

    def require(self) -> None:
        """BuildError, with all problems and the code of the first, where a spec could not be read."""
        if self.errors:
            raise BuildError([p for e in self.errors for p in e.problems], self.errors[0].code)


def targets(
    names: Sequence[str | Path],
    out_dir: Path | None = None,
    *,
    files: bool = True,
    unchanged: Callable[[Sequence[Path]], Mapping[Path, Snapshot]] = lambda _: {},
) -> Found:
    """The models that `names` mean, each once.

    Args:
        names: Files or folders, each with a variant after a colon where one is meant; "android" and "ios" are the code
            of an app with the variants that this has.
        out_dir: Where build folders go, where that is not beside each spec.
        files: Whether what the specs name has to be there.
        unchanged: Finds specs that need not be read, since nothing is to be done for them.

    Raises:
        UsageError: If a name means nothing.
        SpecError: If two models would write the same files.
    """
    if "" in names:
        raise UsageError(Problem("the name of a model is empty", hint="'.' is the current folder"))
    errors: list[BuildError] = []
    asked = [(path, variant, specs_under(path, errors)) for path, variant in map(split, map(str, names))]
    # Two names may mean one file; under one folder only links can.
    real = {f: f.resolve() if len(asked) > 1 or f.is_symlink() else f for _, _, specs in asked for f in specs}
    own: dict[Path, Path] = {}  # a spec itself -> as it was named first
    for file, itself in real.items():
        own.setdefault(itself, file)
    single = {real[file] for _, variant, specs in asked if variant for file in specs}
    done = dict(unchanged([file for itself, file in own.items() if itself not in single]))
    loaded: dict[Path, LoadedSpec] = {}
    for itself, file in own.items():
        if file not in done:
            try:
                loaded[itself] = load(file, files=files)
            except SpecError as error:
                if all(error.problems != other.problems for other in errors):  # a workspace's are told once
                    errors.append(error)
    wanted: dict[Path, set[str]] = {itself: set() for itself in loaded}
    generated: dict[Path, set[str]] = {itself: set() for itself in loaded}
    for path, variant, specs in asked:
        having = [i for i in map(real.__getitem__, specs) if i in loaded and _meant(loaded[i], variant)]
        if variant and not having:
            if len(specs) == 1 and real[specs[0]] in loaded:
                raise _no_variant(loaded[real[specs[0]]], variant)
            if not errors:
                raise UsageError(Problem(f"no model under {path} has a variant '{variant}'"))
        for itself in having:
            wanted[itself].update(_meant(loaded[itself], variant))
            generated[itself].update({variant} & {*APPS})
    for spec in loaded.values():
        _apart(spec, out_folder(spec, out_dir))
    _distinct(list(loaded.values()), done, out_dir)
    labels = _labels({spec.file: spec.spec.model.name for spec in loaded.values()}, done)
    found = [
        Target(spec, *_part(spec, wanted[i], generated[i]), labels[spec.file])
        for i, spec in loaded.items()
        if wanted[i]
    ]
    return Found(found, done, errors, list(own.values()))


def _meant(loaded: LoadedSpec, word: str) -> tuple[str, ...]:
    """The variants that `word` behind a colon means; none where it means nothing."""
    if word in APPS:
        return loaded.app_variants(word)
    return loaded.variants if not word else (word,) if word in loaded.variants else ()


def _part(loaded: LoadedSpec, variants: set[str], generated: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is to be made of a model: nothing but these, or all where nothing is named."""
    if variants == {*loaded.variants}:
        return (), ()
    return tuple(v for v in loaded.variants if v in variants), tuple(sorted(generated))


def _labels(names: Mapping[Path, str], done: Mapping[Path, Snapshot]) -> dict[Path, str]:
    """What a build calls each spec of `names`: its model's name, with where it lies if others have the same."""
    specs: dict[str, list[Path]] = {name: [] for name in names.values()}
    for file, name in (*names.items(), *((file, snapshot.name) for file, snapshot in done.items())):
        if name in specs:  # of the others there may be a thousand
            specs[name].append(file.absolute())
    labels = {}
    for file, name in names.items():
        same = specs[name]
        if len(same) == 1:
            labels[file] = name
            continue
        above = os.path.commonpath([spec.parent for spec in same])
        place = file.absolute().parent if file.name == SPEC_NAME else file.absolute()
        labels[file] = f"{name} ({place.relative_to(above).as_posix()})"
    return labels


def _no_variant(loaded: LoadedSpec, variant: str) -> UsageError:
    if variant in _APP:
        name, (title, hint) = loaded.spec.model.name, _APP[variant]
        return UsageError(Problem(f"no code of an {title} app is generated for '{name}'", loaded.place("model"), hint))
    return UsageError(
        Problem(
            f"model '{loaded.spec.model.name}' has no variant '{variant}'",
            loaded.place("variant"),
            near_miss(variant, (*loaded.variants, *loaded.apps))
            or f"it has {', '.join((*loaded.variants, *loaded.apps))}",
        )
    )


def _apart(loaded: LoadedSpec, folder: Path) -> None:
    """SpecError where the build folder holds the model's own files: outputs replace and remove what stands there."""
    place = folder.resolve()
    own = [loaded.file, *(loaded.folder / path for _, path, _ in named_paths(loaded.spec) if "\0" not in path)]
    inside = next((file for file in own if file.resolve().is_relative_to(place)), None)
    if inside is not None:
        name = loaded.spec.model.name
        raise SpecError(
            loaded.problem(
                "model.name",
                f"'{name}' would be built into '{folder}', which holds its own {inside.name}",
                "give it another name, or choose another --out-dir",
            )
        )


def _distinct(specs: Sequence[LoadedSpec], done: Mapping[Path, Snapshot], out_dir: Path | None) -> None:
    outputs: dict[tuple[Path, str], tuple[str, Path]] = {}
    names = {spec.spec.model.name.casefold() for spec in specs}
    for file, snapshot in done.items():
        if snapshot.name.casefold() in names:
            outputs[_place(Path(snapshot.folder))] = snapshot.name, file
    for loaded in specs:
        name = loaded.spec.model.name
        theirs, other = outputs.setdefault(_place(out_folder(loaded, out_dir)), (name, loaded.file))
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


def _place(folder: Path) -> tuple[Path, str]:
    return folder.parent.resolve(), folder.name.casefold()


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


def specs_under(path: Path, errors: list[BuildError]) -> list[Path]:
    """The model.toml files that `path` means, sorted; `errors` gets an error for each folder that cannot be read.

    Raises:
        UsageError: If there is none.
    """
    if not there(path):
        message, hint = absent(path, str(path), "file or folder")
        raise UsageError(Problem(message, hint=hint or "`tflite-build init` writes a model.toml to start from"))
    if not path.is_dir():
        return [path]
    unread: dict[str, OSError] = {}
    files = [Path(file) for file in specs_in(str(path), unread)]
    for folder, error in unread.items():
        place = Path(folder)
        problem = Problem(f"cannot read the folder '{place}': {error.strerror}", Place(place))
        if all(problem not in other.problems for other in errors):
            errors.append(SpecError(problem))
    if not files and not unread:
        raise UsageError(
            Problem(f"there is no {SPEC_NAME} in '{path}'", hint="`tflite-build init MODEL` writes one for a model")
        )
    return files
