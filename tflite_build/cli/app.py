"""The commands: what each takes, and which part of the API it calls. How results look is in the modules beside it."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import tflite_build
from tflite_build.errors import BuildError, ExitCode, Problem, UsageError, near_miss, printable
from tflite_build.progress import Note

from . import console, front
from .guard import guarded, keeping

if TYPE_CHECKING:
    from tflite_build.run.suggest import Suggestion

app = typer.Typer(
    name="tflite-build",
    help="Build checked, reproducible .tflite files from what model.toml says.",
    rich_markup_mode=None,  # rich help would triple the time that --help takes
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a build failed or two files differ, 2 a spec is wrong, 3 an engine or toolchain failed, "
    "4 a check failed, 5 the store failed, 6 not as model.lock says, 64 wrong usage, 70 a fault of tflite-build, "
    "130 interrupted, 143 terminated.",
)
toolchain_app = typer.Typer(
    help="List, install and remove the converters' environments.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(toolchain_app, name="toolchain")
cache_app = typer.Typer(
    help="What the cache holds, what of it nobody needs, whether it is whole.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(cache_app, name="cache")

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH[:VARIANT]",
        help="model.toml files, or folders to look for them in; a variant after a colon builds that one alone, "
        "`:android` or `:ios` the code of an app with what it has. Default: the current folder.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")]
Offline = Annotated[bool, typer.Option("--offline", help="Install nothing and fetch nothing.")]
Update = Annotated[bool, typer.Option("--update", help="Decide anew instead of following model.lock.")]
Locked = Annotated[bool, typer.Option("--locked", help="Fail rather than make anything that model.lock does not say.")]
MessageFormat = Annotated[
    Literal["text", "github"],
    typer.Option("--message-format", help="github: errors and warnings as annotations of GitHub Actions, too."),
]
OutDir = Annotated[
    Path | None,
    typer.Option("--out-dir", help="Where build folders go. Default: build/ beside each model.toml.", file_okay=False),
]
# What cannot be read is told by who reads it, for each command with the same exit code.
Model = Annotated[
    Path, typer.Argument(metavar="FILE.tflite", help="The .tflite file.", show_default=False, readable=False)
]


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    return guarded(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    try:
        code = app(args=arguments, prog_name="tflite-build", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # of its own help, which nobody reads to its end
            return 0
        raise
    except Exception as error:
        if hasattr(error, "format_message"):  # the command line's own grammar
            return _misused(error)
        raise
    if code == ExitCode.INTERRUPTED:  # typer makes an exit code of KeyboardInterrupt
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _misused(error: Any) -> int:
    # Of a word that is not allowed typer asks pydantic, and shows what kind of error that calls it.
    message = re.sub(r"^(Invalid value for '[^']*': )Value error, ", r"\1", error.format_message())
    if type(error).__name__ == "NoArgsIsHelpError":  # the message is the whole help
        console.error(message)
        return int(ExitCode.USAGE)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tflite-build"
    unknown = re.match(r"No such command '(.*)'", message)
    near = near_miss(unknown[1], getattr(context.command, "commands", ())) if unknown and context is not None else ""
    console.error(f"error: {message.rstrip('.')}\nhelp: {near or f'`{path} --help` shows what there is'}")
    return int(ExitCode.USAGE)


@contextlib.contextmanager
def _told(as_json: bool, for_github: bool = False) -> Iterator[None]:
    """Print an error inside for programs too, where they asked for it."""
    try:
        yield
    except BuildError as error:
        if for_github:
            from . import github

            github.errors([error])
        if as_json:
            from tflite_build.run.result import errors_json

            console.json_document({"version": 1, "errors": errors_json([error])})
        raise


def _version(wanted: bool) -> None:
    if wanted:
        console.line(f"tflite-build {tflite_build.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    color: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(
            "--color", help="Colours, and on a terminal what runs now. auto: on a terminal, without NO_COLOR."
        ),
    ] = "auto",
) -> None:
    front.choice = color


@app.command(short_help="Build models, compare them with their sources, publish them.")
def build(
    targets: Targets = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", "-k", help="Go on with other models after one fails.")] = (
        False
    ),
    update: Update = False,
    locked: Locked = False,
    offline: Offline = False,
    out_dir: OutDir = None,
    as_json: AsJson = False,
    depfile: Annotated[
        Path | None,
        typer.Option(
            "--depfile",
            metavar="FILE",
            help="Write what was made and read there, in the syntax of Makefiles.",
            dir_okay=False,
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also name the steps that are reused.")] = False,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Write what ran when, for Perfetto.", dir_okay=False),
    ] = None,
    message_format: MessageFormat = "text",
) -> int:
    """Build models: convert, quantize, compare with the source, publish under build/."""
    from tflite_build.api import out_folder
    from tflite_build.run.driver import Options

    from . import building

    if update and locked:
        raise UsageError(Problem("--update decides anew, which --locked forbids", hint="give one of them"))
    options = Options(keep_going, offline, update, locked, out_folder(out_dir), draw=building.drawn)
    reporting = building.Reporting(as_json, verbose, message_format == "github", trace, depfile)
    return building.build(targets or ["."], options, reporting)


@app.command(short_help="Build, and build again after each change, until Ctrl-C.")
def watch(
    targets: Targets = None,
    offline: Offline = False,
    out_dir: OutDir = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also name the steps that are reused.")] = False,
) -> None:
    """Build, and build again whenever a file changes that matters, until Ctrl-C."""
    from tflite_build.api import out_folder
    from tflite_build.run.driver import Options

    from . import building, watching

    options = Options(keep_going=True, offline=offline, out_dir=out_folder(out_dir), draw=building.drawn)
    watching.watch(targets or ["."], options, verbose=verbose)


@app.command(short_help="Show what build would do and why, without doing it.")
def plan(
    targets: Targets = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for each step what is not as it was in the last build.")
    ] = False,
    update: Update = False,
    offline: Offline = False,
    out_dir: OutDir = None,
    as_json: AsJson = False,
    message_format: MessageFormat = "text",
) -> None:
    """Show what build would do and why, without doing it."""
    from . import planned

    with _told(as_json, message_format == "github"):
        plans = tflite_build.plan(targets or ["."], update=update, offline=offline, out_dir=out_dir)
    if as_json:
        console.json_document([p.to_json() for p in plans])
    else:
        planned.show(plans, explain=explain)


@app.command(short_help="Hold models against the limits of their specs.")
@keeping()
def check(
    targets: Targets = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Try which layers to leave in float, for variants that miss a limit.")
    ] = False,
    offline: Offline = False,
    out_dir: OutDir = None,
    as_json: AsJson = False,
    message_format: MessageFormat = "text",
) -> int:
    """Hold models against the limits of their specs, and write nothing; what is not made yet is made."""
    from . import checked
    from .progress import Progress

    shown = Progress(sys.stderr if as_json else sys.stdout, verbose=False)
    suggestions: tuple[Suggestion, ...] = ()
    with _told(as_json, message_format == "github"):
        try:
            result = tflite_build.check(targets or ["."], offline=offline, out_dir=out_dir, on_event=shown)
        finally:
            shown.close()
        if message_format == "github":
            from . import github

            github.errors([error for model in result.models for error in model.errors])
        if not as_json:  # now: to look for layers takes long
            checked.show(result.models)
        if suggest:
            suggestions = tflite_build.suggest(targets or ["."], offline=offline, on_event=console.note)
    if as_json:
        console.json_document(checked.to_json(result, suggestions))
    else:
        for suggestion in suggestions:
            checked.show_suggestion(suggestion)
    return result.exit_code


@app.command(short_help="Write what builds one library of your own for several models.")
def runtime(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write.", file_okay=False)],
    targets: Targets = None,
    out_dir: OutDir = None,
) -> None:
    """Write what builds one library for all models whose [runtime] target is "custom", which are built already."""
    for file in tflite_build.runtime(targets or ["."], output=output, out_dir=out_dir):
        console.line(f"wrote {console.relative(file)}")


@app.command(short_help="Say what a model needs and takes, before it is built.")
@keeping()
def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A .tflite, .keras or .h5 file, a SavedModel folder, a model.toml or its folder.",
            show_default=False,
        ),
    ],
    timed: Annotated[bool, typer.Option("--time/--no-time", help="Measure what calls take on this machine.")] = True,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page to look at.", dir_okay=False)
    ] = None,
    offline: Offline = False,
    out_dir: OutDir = None,
    as_json: AsJson = False,
) -> None:
    """Say which runtimes and accelerators a model suits, and what it takes there; nothing is published."""
    from . import evaluated
    from .progress import Progress

    shown = Progress(sys.stderr if as_json else sys.stdout, verbose=False)
    with _told(as_json):
        if html is not None:
            from . import page

            page.check(html)
        try:
            evaluation = tflite_build.evaluate(model, timed=timed, offline=offline, out_dir=out_dir, on_event=shown)
        finally:
            shown.close()
        if html is not None:
            page.write(evaluation, html)
            console.note(Note(f"wrote {console.relative(html)}"))
    if as_json:
        console.json_document(evaluation.to_json())
    elif html is None:
        evaluated.show(evaluation)


@app.command(short_help="Build again from nothing, elsewhere, and compare with model.lock.")
def verify(
    targets: Targets = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Leave the rebuilt files there.", file_okay=False)
    ] = None,
    offline: Offline = False,
    out_dir: OutDir = None,
    as_json: AsJson = False,
) -> int:
    """Build from an empty store, with another folder, home, locale, time zone and umask; compare with model.lock."""
    from . import verified

    with _told(as_json):
        models = tflite_build.verify(
            targets or ["."], offline=offline, keep=keep, out_dir=out_dir, on_event=console.note
        )
    if as_json:
        console.json_document({"version": 1, "ok": all(m.ok for m in models), "models": [m.to_json() for m in models]})
    else:
        verified.show(models)
    return 0 if all(m.ok for m in models) else int(ExitCode.DIFFERS)


@app.command(short_help="Look into a model and write a model.toml for it.")
def init(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="A .keras, .h5 or .tflite file or a SavedModel folder. Without it an example is written.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("model.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
    offline: Offline = False,
) -> None:
    """Look into MODEL and write a model.toml for it that builds as it stands."""
    from tflite_build.api import init as init_spec

    written = init_spec(model, output, force=force, offline=offline, on_event=console.note)
    console.line(f"wrote {printable(str(written))}; next: tflite-build build {console.shell_path(written)}".rstrip())


@app.command(short_help="Print what a .tflite file holds.")
def inspect(
    model: Model,
    operators: Annotated[bool, typer.Option("--ops", help="List every operator with its options instead.")] = False,
    tensors: Annotated[bool, typer.Option("--tensors", help="List every tensor instead.")] = False,
    metadata: Annotated[bool, typer.Option("--metadata", help="Print its metadata instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what a .tflite file holds: signatures, graphs, operators, sizes, the oldest runtime.

    --json has all of it, whatever else is asked for.
    """
    from . import inspected

    with _told(as_json):
        summary = tflite_build.inspect(model)
    if as_json:
        console.json_document(summary.to_json())
    else:
        inspected.show(model, summary, inspected.Parts(operators, tensors, metadata))


@app.command(short_help="Compare two .tflite files: operators, tensors, weights, and what they compute.")
def diff(
    one: Annotated[
        Path, typer.Argument(metavar="A.tflite", help="The first file.", show_default=False, readable=False)
    ],
    other: Annotated[
        Path, typer.Argument(metavar="B.tflite", help="The second file.", show_default=False, readable=False)
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="X.npz", help="Run both on these arrays, one per input, and compare the outputs, too."
        ),
    ] = None,
    signature: Annotated[str | None, typer.Option("--signature", "-s", help="Which one, if there are several.")] = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            "--spec", metavar="MODEL.TOML", help="Names libraries of custom operators; default: what built each file."
        ),
    ] = None,
    offline: Offline = False,
    as_json: AsJson = False,
) -> int:
    """Compare two .tflite files. The exit code is 0 if all bytes are equal, 1 if the files differ."""
    from . import differing

    with _told(as_json):
        found = tflite_build.diff(
            one, other, data=data, signature=signature, spec=spec, offline=offline, on_event=console.note
        )
    if as_json:
        console.json_document(found.to_json())
    else:
        differing.show(found)
    return 0 if found.same else 1


@app.command(name="run", short_help="Run a .tflite file on arrays, in a process of its own.")
def run_model(
    model: Model,
    input_: Annotated[Path, typer.Option("--input", "-i", metavar="X.npz", help="One array per input.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="Y.npz", help="Where the outputs go.")],
    signature: Annotated[str | None, typer.Option("--signature", "-s", help="Which one, if there are several.")] = None,
    dequantize: Annotated[bool, typer.Option("--dequantize", help="Give integer outputs as real numbers.")] = False,
    spec: Annotated[
        Path | None,
        typer.Option(
            "--spec", metavar="MODEL.TOML", help="Names libraries of custom operators; default: what built it."
        ),
    ] = None,
    offline: Offline = False,
) -> None:
    """Run a .tflite file on arrays, in a process of its own."""
    from tflite_build.api import run_file

    written = run_file(
        model,
        input_,
        output,
        signature=signature,
        dequantize=dequantize,
        spec=spec,
        offline=offline,
        on_event=console.note,
    )
    for array in written:
        console.line(f"{array.name}: {array.dtype} [{', '.join(map(str, array.shape))}]")


@app.command(short_help="Print the JSON Schema of model.toml, for editors.")
def schema(
    workspace: Annotated[bool, typer.Option("--workspace", help="That of tflite-build.toml instead.")] = False,
) -> None:
    """Print the JSON Schema of model.toml, for completion in editors."""
    from tflite_build.spec.schema import json_schema, workspace_schema

    console.line(json.dumps(workspace_schema() if workspace else json_schema(), indent=2))


@app.command(short_help="Remove the build folders of models.")
def clean(targets: Targets = None, out_dir: OutDir = None) -> None:
    """Remove the build folders of models. The store keeps what they were made from."""
    from tflite_build.api import clean as clean_models

    removed = clean_models(targets or ["."], out_dir=out_dir, on_event=console.note)
    for folder in removed:
        console.line(f"removed {console.relative(folder)}")
    if not removed:
        console.line("nothing to remove")


@app.command(short_help="Check this machine: Python, uv, toolchains, cache, memory.")
def doctor(as_json: AsJson = False) -> int:
    """Check this machine: Python, uv, toolchains, cache, memory."""
    from tflite_build.store.store import cache_root
    from tflite_build.toolchain.doctor import examine

    findings = examine(cache_root())
    wrong = {f.name for f in findings if not f.ok}
    if as_json:
        console.json_document(
            {
                "version": 1,
                "findings": [{"name": f.name, "ok": f.ok, "detail": f.detail, "hint": f.hint} for f in findings],
            }
        )
    else:
        console.table(
            [],
            [["ok" if f.ok else "PROBLEM", f.name, f.detail + (f"\n{f.hint}" if f.hint else "")] for f in findings],
        )
    if not wrong:
        return 0
    return int(ExitCode.STORE_FAILED if "cache" in wrong else ExitCode.ENGINE_FAILED)


@toolchain_app.command("list", short_help="Show which there are, what they hold, which are installed.")
def toolchain_list(as_json: AsJson = False) -> None:
    """List the toolchains, what they hold, and which are installed."""
    from . import toolchains

    toolchains.show(as_json)


@toolchain_app.command("install", short_help="Install toolchains ahead of need.")
def toolchain_install(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Which ones. Default: those that builds use.", show_default=False),
    ] = None,
) -> None:
    """Install toolchains ahead of need, as for a CI image."""
    from . import toolchains

    toolchains.install(names or [])


@toolchain_app.command("remove", short_help="Remove installed toolchains.")
def toolchain_remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Which ones.", show_default=False)],
) -> None:
    """Remove installed toolchains; the next build that needs one installs it again."""
    from . import toolchains

    toolchains.remove(names)


@cache_app.command("stats", short_help="Show what takes space, and how much of builds is reused.")
def cache_stats(as_json: AsJson = False) -> None:
    """Show what takes space in the cache, and how many steps of the last builds were reused."""
    from . import cached

    cached.stats(as_json)


@cache_app.command("gc", short_help="Remove what nobody needs.")
def cache_gc(
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", metavar="SIZE", help="What blobs and results may take, such as 5GB."),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Remove what was not used for that long, such as 30d."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove what nobody needs, the least recently used first.

    What the last builds of models on this machine need stays, and so does what a build under way uses. Without an
    option only leftovers go.
    """
    from . import cached

    cached.gc(max_size, older_than, as_json)


@cache_app.command("verify", short_help="Check all that is stored.")
def cache_verify(as_json: AsJson = False) -> int:
    """Check the hash of every blob and every result; what is damaged is removed, and the exit code is 5."""
    from . import cached

    return cached.verify(as_json)
