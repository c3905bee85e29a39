"""What the build of a model hangs on, for the next one to see at a glance that nothing is to do.

Only what went well is remembered, and only where every path that was read still has the content that was read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tflite_build import resources
from tflite_build.engines.user_code.listing import REJECTED, REPORT, own_outputs
from tflite_build.planning.action import ProjectFile
from tflite_build.spec.rules import named_paths
from tflite_build.store.database import quiet
from tflite_build.store.digest import of_bytes
from tflite_build.store.snapshots import A_FILE, A_FOLDER, ABSENT, FILE_NAME, Entries, Snapshot, Snapshots
from tflite_build.store.statcache import walk
from tflite_build.store.store import Store, cache_root, store_folder
from tflite_build.workspace import workspace_of

from .execute import EXISTS, MISSING, standing_digest
from .job import Job
from .result import ModelResult

Drawn = Callable[[ModelResult], str]


def remember(
    job: Job, result: ModelResult, lock_file: Path, lock_text: str, out: Path | None, draw: Drawn, tool: str
) -> None:
    """Keep a snapshot of what `job` read and `result` says was written.

    Nothing is kept where something changed since, or where a change would not show: the next build looks itself.

    Args:
        job: A finished job of all variants.
        result: What was published.
        lock_file: Where the lock lies.
        lock_text: What was written there.
        out: Where build folders go, or None for beside each spec.
        draw: What is to be shown to people while nothing is to do.
        tool: The identity of the tool when the build began.
    """
    store, entries = job.store, Entries()
    try:
        standing = (
            _spec(job, entries)
            and _file(store, lock_file, of_bytes(lock_text.encode()).sha256, entries)
            and _outputs(store, result, entries)
            and _inputs(job, entries)
        )
    except OSError:
        return
    if not standing:
        return
    kept = result.as_unchanged()
    snapshot = Snapshot(
        tool,
        result.name,
        text(result.folder),
        len(result.variants),
        len(result.steps),
        draw(kept),
        result.warnings,
        entries,
    )
    if entries.unmoved():  # while it was taken down
        value = {"result": kept.to_json(), "inputs": [os.fspath(path) for path in result.inputs]}
        job.store.snapshots.put(text(job.loaded.file), _out(out), snapshot, json.dumps(value))


def inputs(job: Job) -> tuple[Path, ...]:
    """The files and folders that `job` was made from, absolute, each once."""
    return tuple(Path(path) for path in dict.fromkeys(_read_by(job)))


def _read_by(job: Job) -> Iterator[str]:
    yield text(job.loaded.file)
    if job.loaded.workspace is not None:
        yield text(job.loaded.workspace.file)
    for step in job.graph.steps:
        for given in step.inputs.values():
            if isinstance(given, ProjectFile):
                yield text(given.path)
                for folder, names in walk(given.path) if given.tree else ():
                    yield text(Path(folder))
                    yield from (text(Path(folder, name)) for name in names)
        for path, _, digest in job.done[step.id].action.recorded:
            place = text(job.loaded.folder / path)
            if digest not in (MISSING, EXISTS):
                yield place
            if digest == MISSING or os.path.islink(place):  # noqa: PTH114
                yield _standing_above(place)  # whose time tells that something came, or that a link leads elsewhere


def _standing_above(path: str) -> str:
    """The nearest folder above `path` that is there."""
    folder = os.path.dirname(path)  # noqa: PTH120
    while not os.path.isdir(folder):  # noqa: PTH112
        folder = os.path.dirname(folder)  # noqa: PTH120
    return folder


def look(specs: Sequence[Path], out: Path | None, report: Callable[[str], None] = quiet) -> dict[Path, Snapshot]:
    """The snapshots of those of `specs` that are as their last builds left them; `report` gets what was damaged."""
    folder = store_folder(cache_root())
    if not (folder / FILE_NAME).is_file():
        return {}
    snapshots = Snapshots(str(folder), report)
    try:
        found = snapshots.unchanged([text(spec) for spec in specs], _out(out), lambda: identity(snapshots))
        return {spec: found[text(spec)] for spec in specs if text(spec) in found}
    finally:
        snapshots.close()


def results(known: Mapping[Path, Snapshot], out: Path | None) -> dict[Path, ModelResult]:
    """The results that were kept with these snapshots, as far as they are whole."""
    if not known:
        return {}
    snapshots = Snapshots(str(store_folder(cache_root())))
    try:
        kept = {spec: _result(snapshots.result(text(spec), _out(out))) for spec in known}
        return {spec: result for spec, result in kept.items() if result is not None}
    finally:
        snapshots.close()


def identity(snapshots: Snapshots) -> str:
    """What says which version of the tool this is: its code and data, whatever its version is called."""
    package = os.fspath(resources.package())
    return snapshots.tool(package) or snapshots.put_tool(
        package, (package, os.fspath(resources.specs()), os.fspath(resources.templates()))
    )


def _result(value: str) -> ModelResult | None:
    try:
        kept = json.loads(value)
        return replace(ModelResult.from_json(kept["result"]), inputs=tuple(map(Path, kept["inputs"])))
    except (ValueError, KeyError, TypeError, AttributeError):  # a damaged one
        return None


def text(path: Path) -> str:
    """`path` as snapshots name it: absolute, without asking where links lead."""
    return os.path.abspath(path)  # noqa: PTH100


def _out(out: Path | None) -> str:
    return "" if out is None else text(out)


def _spec(job: Job, entries: Entries) -> bool:
    """model.toml, and the workspace that its defaults are from."""
    loaded, workspace = job.loaded, job.loaded.workspace
    folder = os.path.dirname(text(loaded.file))  # noqa: PTH120
    if workspace_of(folder) != (text(workspace.file) if workspace is not None else ""):
        return False  # another one came or went meanwhile
    entries.workspace(folder)
    return _file(job.store, loaded.file, loaded.sha256, entries) and (
        workspace is None or _file(job.store, workspace.file, workspace.document.sha256, entries)
    )


def _outputs(store: Store, result: ModelResult, entries: Entries) -> bool:
    entries.standing(text(result.folder / REJECTED), ABSENT)
    if not entries.folder(text(result.folder), hidden=True):  # what a killed build leaves there is swept by the next
        return False
    report = result.folder / REPORT
    wanted = {report: of_bytes(report.read_bytes()).sha256, **result.outputs}
    places = {
        above for f in result.folders for p in f.files for above in (f.place / p).parents if above != result.folder
    }
    inside = [place for place in places if place.is_relative_to(result.folder)]
    return all(entries.folder(text(place), hidden=True) for place in sorted(inside)) and all(
        _file(store, path, sha256, entries) for path, sha256 in wanted.items()
    )


def _inputs(job: Job, entries: Entries) -> bool:
    given: dict[ProjectFile, str] = {}
    recorded: dict[tuple[str, str], str] = {}
    for step in job.graph.steps:
        action = job.done[step.id].action
        given |= {source: action.inputs[n] for n, source in step.inputs.items() if isinstance(source, ProjectFile)}
        recorded |= {(path, kind): digest for path, kind, digest in action.recorded}
    for _, path, wanted in named_paths(job.loaded.spec):  # which a build of this spec wants to be there in any case
        entries.standing(text(job.loaded.folder / path), A_FOLDER if wanted == "folder" else A_FILE)
    return all(_given(job.store, file, digest, entries) for file, digest in given.items()) and all(
        _recorded(job, path, kind, digest, entries) for (path, kind), digest in recorded.items()
    )


def _given(store: Store, given: ProjectFile, digest: str, entries: Entries) -> bool:
    if not given.tree:
        return _file(store, given.path, digest.partition("/")[0], entries)
    tree = store.stats.tree(given.path)
    folders = [base for base, _ in walk(given.path)]
    return (
        str(tree.digest) == digest
        and all(entries.folder(text(Path(folder))) for folder in folders)
        and all(_file(store, given.path / name, file.sha256, entries) for name, file in tree.files)
    )


def _recorded(job: Job, path: str, kind: str, digest: str, entries: Entries) -> bool:
    """One of the paths that user code asked for, if it stands there as it did."""
    project = job.loaded.folder
    if standing_digest(job.store, project, path, kind) != digest:
        return False
    place = text(project / path)
    if digest in (MISSING, EXISTS):
        entries.standing(place, A_FOLDER if digest == EXISTS else ABSENT)
        return True
    if kind == "folder":
        outside = Path(path).is_absolute()
        hidden = () if outside else own_outputs(project, "" if path == "." else path)
        return entries.folder(place, hidden=outside) and all(_hidden(job.store, Path(one), entries) for one in hidden)
    if kind == "looks":
        return entries.exactly(place)
    return _file(job.store, Path(place), digest, entries)


def _hidden(store: Store, path: Path, entries: Entries) -> bool:
    """What is no part of a listing for what it holds, as long as it holds that."""
    if not path.is_dir():
        return _file(store, path, store.stats.file(path).digest.sha256, entries)
    return entries.folder(text(path), hidden=True) and all(
        _hidden(store, one, entries) for one in sorted(path.iterdir())
    )


def _file(store: Store, path: Path, sha256: str, entries: Entries) -> bool:
    return entries.file(text(path), sha256, lambda: store.stats.file(path).digest.sha256)
