"""The `cache` commands."""

from __future__ import annotations

import tflite_build
from tflite_build.errors import ExitCode
from tflite_build.run import cache

from . import console


def stats(as_json: bool) -> None:
    """Show what takes space."""
    found = tflite_build.cache_stats()
    if as_json:
        console.json_document({"version": 1, **found.to_json()})
        return
    rows = [[part.name, str(part.count), console.size(part.size)] for part in found.parts]
    console.table(["part", "count", "size"], [*rows, ["all", "", console.size(found.size)]], right=(1, 2))
    models = f"{found.models} model{'' if found.models == 1 else 's'} on this machine"
    console.line(f"\n{found.root}: the last builds of {models} need {console.size(found.needed)} of blobs and results")
    if found.hits.rate is not None:
        steps = f"{found.hits.reused} of {found.hits.reused + found.hits.ran} steps"
        builds = "last build" if found.hits.builds == 1 else f"last {found.hits.builds} builds"
        console.line(f"the {builds} with something to do reused {steps} ({found.hits.rate:.0%})")


def gc(max_size: str | None, older_than: str | None, as_json: bool) -> None:
    """Remove what nobody needs."""
    removed = tflite_build.cache_gc(max_size=max_size, older_than=older_than, on_event=console.note)
    if as_json:
        names = ("results", "blobs", "leftovers", "freed", "left", "kept", "models")
        console.json_document({"version": 1, **{name: getattr(removed, name) for name in names}})
        return
    console.line(
        f"removed {removed.results} results, {removed.blobs} blobs and {removed.leftovers} leftovers: "
        f"{console.size(removed.freed)}; {console.size(removed.left)} are left"
    )
    if max_size is not None and removed.left > cache.size_of(max_size):
        models = f"{removed.models} model{'' if removed.models == 1 else 's'} on this machine"
        console.line(f"{console.size(removed.kept)} stay for {models} and for builds under way")


def verify(as_json: bool) -> int:
    """Look at all of the store; the exit code."""
    checked = tflite_build.cache_verify(on_event=console.note)
    if as_json:
        console.json_document(
            {
                "version": 1,
                "ok": not checked.damaged,
                "blobs": checked.blobs,
                "results": checked.results,
                "damaged": list(checked.damaged),
                "incomplete": checked.incomplete,
            }
        )
    else:
        damaged = f"{len(checked.damaged)} damaged and removed" if checked.damaged else "all whole"
        console.line(f"{checked.blobs} blobs and {checked.results} results: {damaged}")
        if checked.incomplete:
            console.line(f"{checked.incomplete} results lacked a blob and are removed; builds make them again")
    return int(ExitCode.STORE_FAILED) if checked.damaged else 0
