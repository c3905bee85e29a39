"""The Python API: load, plan, build, inspect, diff, run. The command line is written over it.

    >>> import tflite_build
    >>> result = tflite_build.build("examples/digits")
    >>> [(v.name, v.size) for v in result.models[0].variants]

Results are frozen dataclasses; what goes wrong is a `BuildError` made of `Problem`s. A build reports what it does to
`on_event`, a callable that gets the events of `tflite_build.progress`, possibly from several threads; what it raises ends
the build and comes out as it is. An argument of a wrong type is a TypeError that names it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from tflite_build.errors import Problem, StoreError, UsageError
from tflite_build.progress import Listener, Note, silent
from tflite_build.run import (
    arguments,
    building,
    cache,
    driver,
    evaluating,
    find,
    outputs,
    own_runtime,
    preview,
    publish,
)
from tflite_build.run import suggest as suggesting
from tflite_build.run import verify as verifying
from tflite_build.run.cache import Stats
from tflite_build.run.comparison import ModelDifference, OutputChange, diff
from tflite_build.run.driver import Options, Target
from tflite_build.run.evaluating import Evaluation
from tflite_build.run.execution import OutputArray, run_file
from tflite_build.run.inspecting import inspect
from tflite_build.run.preview import ModelPlan
from tflite_build.run.result import BuildResult, Gate, ModelResult, VariantResult
from tflite_build.run.suggest import Suggestion
from tflite_build.run.verify import Verified
from tflite_build.spec import SPEC_NAME
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.load import load as load_spec
from tflite_build.store.checkup import Checked
from tflite_build.store.garbage import Collected
from tflite_build.store.store import cache_root, store_folder
from tflite_build.tflite.difference import Change
from tflite_build.tflite.summary import Summary
from tflite_build.tflite.values import ValueChange

Targets = str | Path | Sequence[str | Path]


def load(spec: str | Path) -> LoadedSpec:
    """Read and check a model.toml, or the one in a folder.

    Raises:
        SpecError: With all problems of the file.
    """
    path = arguments.path(spec, "spec")
    return load_spec(path / SPEC_NAME if path.is_dir() else path)


def build(
    targets: Targets = ".",
    *,
    keep_going: bool = False,
    offline: bool = False,
    update: bool = False,
    locked: bool = False,
    out_dir: str | Path | None = None,
    on_event: Listener = silent,
) -> BuildResult:
    """Build models.

    Args:
        targets: Files, folders (every model.toml under them), each with `:VARIANT` behind it where one is meant.
        keep_going: Go on with other models after one fails.
        offline: Install nothing, fetch nothing.
        update: Decide anew instead of following model.lock.
        locked: Publish nothing that model.lock does not say.
        out_dir: Where build folders go; default: `build` beside each model.toml.
        on_event: Called with each event.

    Returns:
        The result, failed models included: look at `ok` and at `errors` of each.

    Raises:
        BuildError: If a spec is wrong (and `keep_going` is off), no target is given, or the store cannot be used.
        Exception: Whatever `on_event` raises. What is under way is stopped; models that are finished stay published.
    """
    options = Options(keep_going, offline, update, locked, out_folder(out_dir))
    with arguments.listening(on_event) as listener:
        outcome = building.build(arguments.targets(targets), options, listener)
    return outcome.result()


def plan(
    targets: Targets = ".", *, update: bool = False, offline: bool = False, out_dir: str | Path | None = None
) -> tuple[ModelPlan, ...]:
    """What `build` would do. Converts nothing.

    Raises:
        BuildError: If a spec is wrong or cannot be built by anything.
    """
    out = out_folder(out_dir)
    found = find.targets(arguments.targets(targets), out)
    found.require()
    return preview.plan(found.targets, Options(update=update, offline=offline, out_dir=out))


def init(
    model: str | Path | None = None,
    output: str | Path = "model.toml",
    *,
    force: bool = False,
    offline: bool = False,
    on_event: Listener = silent,
) -> Path:
    """Write a model.toml for a model, or a commented example without one; its path.

    Raises:
        BuildError: If `output` is there already (without `force`), or `model` is nothing that can be built.
    """
    from tflite_build.run import scaffold  # jinja2 is needed by nothing else

    chosen = arguments.path(model, "model") if model is not None else None
    with arguments.listening(on_event) as listener:
        written = arguments.path(output, "output")
        return scaffold.init(chosen, written, force=force, offline=offline, listener=listener)


def clean(
    targets: Targets = ".", *, out_dir: str | Path | None = None, on_event: Listener = silent
) -> tuple[Path, ...]:
    """Remove what builds of models wrote; the folders that they were in. The models' own files need not be there.

    A folder that holds other files stays with them, which `on_event` is told.

    Raises:
        BuildError: If a spec is wrong, a variant is named, or a folder cannot be removed.
    """
    out = out_folder(out_dir)
    found = find.targets(arguments.targets(targets), out, files=False)
    found.require()
    for target in found.targets:
        if target.variants:
            name = target.loaded.spec.model.name
            raise UsageError(Problem(f"'{name}' is removed as a whole", hint="name it without a variant"))
    gone = []
    for target in found.targets:
        folder = driver.out_folder(target.loaded, out)
        if not folder.is_dir():
            continue
        locks = store_folder(cache_root()) / "locks"
        try:
            with contextlib.ExitStack() as stack:
                if os.access(locks, os.W_OK):  # else no build writes there now
                    stack.enter_context(publish.alone(locks, (driver.lock_file(target.loaded), folder)))
                whole = outputs.remove(target.loaded.spec.model.name, target.loaded.spec.variant, folder)
                with contextlib.suppress(OSError):
                    folder.parent.rmdir()  # the last model's build/ goes too
        except OSError as error:
            raise StoreError(Problem(f"cannot remove {folder}: {error.strerror or error}")) from None
        if not whole:
            on_event(Note(f"{folder} stays: it holds files that no build made"))
        gone.append(folder)
    return tuple(gone)


def check(
    targets: Targets = ".",
    *,
    offline: bool = False,
    out_dir: str | Path | None = None,
    on_event: Listener = silent,
) -> BuildResult:
    """Check models against the limits of their specs, and publish nothing; what is not made yet is made, for `build` too.

    Args:
        targets: As `build` takes them.
        offline: Install nothing, fetch nothing.
        out_dir: Where build folders are; default: `build` beside each model.toml.
        on_event: Called with each event.

    Returns:
        The result: look at `gates` of each model, and at its `errors`.

    Raises:
        BuildError: If no target is given, or the store cannot be used.
        Exception: Whatever `on_event` raises.
    """
    options = Options(keep_going=True, offline=offline, out_dir=out_folder(out_dir), publish=False)
    with arguments.listening(on_event) as listener:
        return building.build(arguments.targets(targets), options, listener).result()


def suggest(targets: Targets = ".", *, offline: bool = False, on_event: Listener = silent) -> tuple[Suggestion, ...]:
    """Which layers to leave in float, for quantized variants that miss a limit of how good they have to be.

    Variants are made with more and more layers in float until they keep their limits, and then with as few as will do.
    Nothing is published.

    Args:
        targets: As `build` takes them.
        offline: Install nothing, fetch nothing.
        on_event: Called with notes.

    Returns:
        One for each such variant, with all that was tried; look at `keep_float`. None of models that cannot be built:
        `check` says why.

    Raises:
        BuildError: If no target is given, or the store cannot be used.
    """
    with arguments.listening(on_event) as listener:
        found = find.targets(arguments.targets(targets))
        return suggesting.suggest(found.targets, Options(keep_going=True, offline=offline, publish=False), listener)


def runtime(targets: Targets = ".", *, output: str | Path, out_dir: str | Path | None = None) -> tuple[Path, ...]:
    """Write what builds one library of one's own for all models that want one (`[runtime] target = "custom"`).

    Args:
        targets: As `build` takes them; models that are built.
        output: The folder to write into.
        out_dir: Where build folders are; default: `build` beside each model.toml.

    Returns:
        The files.

    Raises:
        BuildError: If a model is not built, none wants a library, or they do not go together.
    """
    out = out_folder(out_dir)
    found = find.targets(arguments.targets(targets), out)
    found.require()
    return own_runtime.write(found.targets, arguments.path(output, "output"), out)


def evaluate(
    model: str | Path,
    *,
    timed: bool = True,
    offline: bool = False,
    out_dir: str | Path | None = None,
    on_event: Listener = silent,
) -> Evaluation:
    """What a model needs and takes, before it is built: the verdict for each runtime and accelerator, and all figures.

    Args:
        model: A .tflite, .keras, .h5 or .hdf5 file, a SavedModel folder, a model.toml or the folder of one, that with
            `:VARIANT` behind it where one is meant. Of a spec the variants that are built are evaluated; else a float
            file is made as `build` makes it. Nothing is published.
        timed: Measure what calls take on this machine.
        offline: Install nothing, fetch nothing.
        out_dir: Where build folders are; default: `build` beside each model.toml.
        on_event: Called with each event.

    Returns:
        The evaluation, also of a model that does not convert: look at `converts`, `verdict` and `obstacles`.

    Raises:
        BuildError: If there is no such model, it cannot be read, or its spec is wrong.
        Exception: Whatever `on_event` raises.
    """
    name = model if isinstance(model, str) else arguments.path(model, "model")
    options = Options(keep_going=True, offline=offline, out_dir=out_folder(out_dir), publish=False)
    with arguments.listening(on_event) as listener:
        return evaluating.evaluate(name, options, listener, timed=timed)


def verify(
    targets: Targets = ".",
    *,
    offline: bool = False,
    keep: str | Path | None = None,
    out_dir: str | Path | None = None,
    on_event: Listener = silent,
) -> tuple[Verified, ...]:
    """Build models again from an empty store, in another folder and other surroundings, and compare with model.lock.

    Args:
        targets: As `build` takes them.
        offline: Install nothing, fetch nothing.
        keep: Where the rebuilt files are left, in a folder for each model; default: nowhere.
        out_dir: Where build folders are; default: `build` beside each model.toml.
        on_event: Called with notes.

    Returns:
        What came out: look at `ok` of each.

    Raises:
        BuildError: If a spec is wrong, a model has no lock, or one cannot be built again.
    """
    kept = None if keep is None else arguments.path(keep, "keep")
    out = out_folder(out_dir)
    with arguments.listening(on_event) as listener:
        found = find.targets(arguments.targets(targets), out)
        found.require()
        return verifying.verify(found.targets, offline=offline, keep=kept, out_dir=out, listener=listener)


def cache_stats() -> Stats:
    """What takes space in the cache, and how much of the last builds was reused."""
    return cache.stats()


def cache_gc(*, max_size: str | None = None, older_than: str | None = None, on_event: Listener = silent) -> Collected:
    """Remove from the cache what nobody needs, the least recently used first.

    What the last builds of models that are still there need is never removed, and neither is what a build under way
    uses. Without a limit only leftovers go.

    Args:
        max_size: What blobs and results may take, such as "5GB".
        older_than: How long a thing was not used, such as "30d", to go; old toolchains and packages too.
        on_event: Called with notes.

    Raises:
        BuildError: If a limit is written wrongly, or the store cannot be written.
    """
    size = None if max_size is None else cache.size_of(max_size)
    age = None if older_than is None else cache.age_of(older_than)
    with arguments.listening(on_event) as listener:
        return cache.collect(max_size=size, older_than=age, listener=listener)


def cache_verify(on_event: Listener = silent) -> Checked:
    """Check the hash of every blob, and every result. What is damaged is removed, and told to `on_event` as notes.

    Raises:
        BuildError: If the store cannot be read or written.
    """
    with arguments.listening(on_event) as listener:
        return cache.check(listener)


def out_folder(out_dir: str | Path | None) -> Path | None:
    """Where build folders go; None for beside each spec, which an empty text means too."""
    return None if out_dir is None or out_dir == "" else arguments.path(out_dir, "out_dir")


__all__ = [
    "BuildResult",
    "Change",
    "Checked",
    "Collected",
    "Evaluation",
    "Gate",
    "LoadedSpec",
    "ModelDifference",
    "ModelPlan",
    "ModelResult",
    "OutputArray",
    "OutputChange",
    "Stats",
    "Suggestion",
    "Summary",
    "Target",
    "ValueChange",
    "VariantResult",
    "Verified",
    "build",
    "cache_gc",
    "cache_stats",
    "cache_verify",
    "check",
    "clean",
    "diff",
    "evaluate",
    "init",
    "inspect",
    "load",
    "plan",
    "run_file",
    "runtime",
    "suggest",
    "verify",
]
