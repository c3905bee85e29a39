"""What a build gave, as frozen data: for people, for `--json`, and for report.json beside the outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tflite_build.actions.compare import Distance, OutputDistance
from tflite_build.errors import BuildError, Problem
from tflite_build.planning.lock import Decision, Refutation
from tflite_build.progress import Event
from tflite_build.tflite.opcodes import BUILTIN_OPERATORS

if TYPE_CHECKING:
    from tflite_build.evaluation.verdict import Obstacle

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step of a build: whether it was reused, and the seconds it took when it ran."""

    id: str
    reused: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Change:
    """What a variant was in the build before: its hash, size and accuracy, None where it is new."""

    sha256: str
    size: int
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One file that was built.

    Attributes:
        file: Where it lies.
        size: Bytes.
        operators: Operator name -> how often.
        runtime: The oldest runtime that has all of its operators, such as "2.17.0", or "" where none is known.
        distance: From the float file, or for an unquantized variant from the source.
        accuracy: On labelled data, or None.
        seconds: What its own steps took when they ran.
        reused: Whether all of its own steps were reused.
        before: The same variant in the last build.
        metric: What `accuracy` is: "top1", ..., the name of the user's function, or "" where none is measured.
        share: Whether `accuracy` is a share of 1.
    """

    name: str
    quantize: str
    file: Path
    size: int
    sha256: str
    operators: Mapping[str, int]
    runtime: str
    distance: Distance
    accuracy: float | None
    seconds: float
    reused: bool
    before: Change | None
    metric: str = ""
    share: bool = True

    @property
    def select_tf_ops(self) -> tuple[str, ...]:
        """The operators that only TensorFlow's own kernels run, by TensorFlow's names."""
        return tuple(sorted(name.removeprefix("Flex") for name in self.operators if name.startswith("Flex")))

    @property
    def custom_ops(self) -> tuple[str, ...]:
        """The custom operators, which the app registers by itself unless the runtime carries them."""
        return tuple(
            sorted(n for n in self.operators if n not in BUILTIN_OPERATORS and not n.startswith(("Flex", "BUILTIN_")))
        )

    @property
    def not_run(self) -> tuple[str, ...]:
        """The custom operators for which the file was not run; none where it was."""
        return self.distance.not_run


@dataclass(frozen=True, slots=True)
class GeneratedFolder:
    """A folder of text that was made for the variants, such as `runtime`.

    Attributes:
        place: Where it lies.
        sha256: The digest of the whole folder.
        files: Path in it -> SHA-256.
    """

    name: str
    place: Path
    sha256: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit of the spec, and what a variant has of it.

    Attributes:
        check: The key of the limit, such as "max_size".
        subject: Of what: an output, a measure, a platform, or "" for the file.
        figure: What the variant has.
        limit: What it may have.
        problem: Why the limit is not kept; None where it is.
    """

    variant: str
    check: str
    subject: str
    figure: str
    limit: str
    problem: Problem | None = None

    @property
    def ok(self) -> bool:
        """Whether the limit is kept."""
        return self.problem is None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "variant": self.variant,
            "check": self.check,
            "subject": self.subject,
            "figure": self.figure,
            "limit": self.limit,
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model of a build: its files, or why there are none.

    Attributes:
        rejected: The files that were made, and are not good enough to be published.
        inputs: What it was made from, absolute: the specs, files and folders of the source, data, what the user's code
            read. Of what failed there are none.
        unpublished: What was made, where a limit forbids to publish it.
        folders: The folders that were generated beside the variants.
        gates: The limits of the spec, and what each variant has of them; none where the files were not made.
        label: The name with where the spec lies, in a build of several models of that name; else the name or "".
        obstacles: What its source does not convert for, where that is why there are no files.
    """

    name: str
    spec: Path
    folder: Path
    variants: tuple[VariantResult, ...]
    decisions: Mapping[str, Decision]
    steps: tuple[StepResult, ...]
    warnings: tuple[str, ...]
    errors: tuple[BuildError, ...] = ()
    rejected: tuple[Path, ...] = ()
    inputs: tuple[Path, ...] = ()
    label: str = ""
    gates: tuple[Gate, ...] = ()
    folders: tuple[GeneratedFolder, ...] = ()
    unpublished: tuple[VariantResult, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def shown(self) -> str:
        """What people read as its name."""
        return self.label or self.name

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for lies in `folder`."""
        return not self.errors

    @property
    def outputs(self) -> dict[Path, str]:
        """Every file of it with its SHA-256, the report aside."""
        generated = {f.place / path: sha256 for f in self.folders for path, sha256 in f.files.items()}
        return {**{v.file: v.sha256 for v in self.variants}, **generated}

    def to_json(self, *, places: bool = True) -> dict[str, Any]:
        """As JSON values; without `places` nothing in it depends on where the project lies or how fast it was built."""
        value: dict[str, Any] = {
            "version": REPORT_VERSION,
            "model": self.name,
            "variants": [_variant(v, places) for v in self.variants],
            "decisions": {
                subject: {"choice": d.choice, "refuted": {r.choice: r.reason for r in d.refuted}}
                for subject, d in sorted(self.decisions.items())
            },
            "folders": [{"name": f.name, "sha256": f.sha256, "files": dict(f.files)} for f in self.folders],
            "checks": [gate.to_json() for gate in self.gates],
            "warnings": list(self.warnings),
        }
        if places:
            value["spec"] = str(self.spec.absolute())
            value["folder"] = str(self.folder.absolute())
            value["steps"] = [{"id": s.id, "reused": s.reused, "seconds": round(s.seconds, 3)} for s in self.steps]
            value["ok"] = self.ok
            value["errors"] = errors_json(self.errors)
        return value

    def as_unchanged(self) -> ModelResult:
        """The result of a build right after this one, which finds nothing to do."""
        variants = tuple(replace(v, reused=True, before=Change(v.sha256, v.size, v.accuracy)) for v in self.variants)
        return replace(self, variants=variants, steps=tuple(replace(s, reused=True) for s in self.steps))

    @property
    def unchanged(self) -> bool:
        """Whether nothing had to be done, and all files are as they were."""
        same = all(v.before is not None and v.before.sha256 == v.sha256 for v in self.variants)
        return self.ok and same and all(s.reused for s in self.steps)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> ModelResult:
        """The inverse of `to_json` for a result without errors.

        Raises:
            KeyError, TypeError, ValueError: If `value` is nothing that `to_json` gives.
        """
        folder = Path(value["folder"])
        return ModelResult(
            value["model"],
            Path(value["spec"]),
            folder,
            tuple(_variant_from(v) for v in value["variants"]),
            {
                subject: Decision(d["choice"], tuple(Refutation(c, r) for c, r in d["refuted"].items()))
                for subject, d in value["decisions"].items()
            },
            tuple(StepResult(s["id"], s["reused"], s["seconds"]) for s in value["steps"]),
            tuple(value["warnings"]),
            folders=tuple(
                GeneratedFolder(f["name"], folder / f["name"], f["sha256"], f["files"]) for f in value["folders"]
            ),
            gates=tuple(Gate(g["variant"], g["check"], g["subject"], g["figure"], g["limit"]) for g in value["checks"]),
        )


@dataclass(frozen=True, slots=True)
class ModelFinished(Event):
    """Nothing more is done for a model: it is published, was up to date, or failed."""

    result: ModelResult


def errors_json(errors: Sequence[BuildError]) -> list[dict[str, Any]]:
    """Every problem of `errors` as JSON values."""
    return [
        {
            "code": int(error.code),
            "message": p.message,
            "file": str(p.place.file.absolute()) if p.place else None,
            "line": p.place.line if p.place else None,
            "key": p.place.key if p.place else None,
            "hint": p.hint,
            "detail": p.detail,
        }
        for error in errors
        for p in error.problems
    ]


def _variant(v: VariantResult, places: bool) -> dict[str, Any]:
    value: dict[str, Any] = {
        "name": v.name,
        "quantize": v.quantize,
        "file": str(v.file.absolute()) if places else v.file.name,
        "size": v.size,
        "sha256": v.sha256,
        "operators": dict(sorted(v.operators.items())),
        "select_tf_ops": list(v.select_tf_ops),
        "custom_ops": list(v.custom_ops),
        "not_run": list(v.not_run),
        "custom_ops_api": v.distance.api,
        "oldest_runtime": v.runtime,
        "accuracy": v.accuracy,
        "metric": v.metric,
        "share": v.share,
        "cosine": v.distance.cosine,
        "max_abs": v.distance.max_abs,
        "top1": v.distance.top1,
        "samples": v.distance.samples,
        "outputs": [
            {
                "signature": o.signature,
                "name": o.name,
                "cosine": o.cosine,
                "max_abs": o.max_abs,
                "max_share": o.max_share,
                "top1": o.top1,
                "status": o.status,
                "note": o.note,
                "scale": o.scale,
            }
            for o in v.distance.outputs
        ],
    }
    if places:
        value["seconds"] = round(v.seconds, 3)
        value["reused"] = v.reused
        value["before"] = v.before and {
            "sha256": v.before.sha256,
            "size": v.before.size,
            "accuracy": v.before.accuracy,
        }
    return value


def _variant_from(value: Mapping[str, Any]) -> VariantResult:
    before = value["before"]
    return VariantResult(
        value["name"],
        value["quantize"],
        Path(value["file"]),
        value["size"],
        value["sha256"],
        value["operators"],
        value["oldest_runtime"],
        Distance(
            tuple(OutputDistance(**o) for o in value["outputs"]),
            value["samples"],
            not_run=tuple(value["not_run"]),
            api=value["custom_ops_api"],
        ),
        value["accuracy"],
        value["seconds"],
        value["reused"],
        before and Change(before["sha256"], before["size"], before["accuracy"]),
        value["metric"],
        value["share"],
    )


@dataclass(frozen=True, slots=True)
class BuildResult:
    """All models of a build, in the order in which they were asked for; those whose spec cannot be read come last."""

    models: tuple[ModelResult, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every model is built."""
        return all(m.ok for m in self.models)

    @property
    def exit_code(self) -> int:
        """0, or the code of the first error."""
        return next((int(e.code) for m in self.models for e in m.errors), 0)
