"""How a plan looks: the decisions of each model, then its steps as a tree: a step below the last one that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflite_build.run.outputs import Outstanding
from tflite_build.run.preview import ModelPlan, PlannedStep

from . import console


def show(plans: Sequence[ModelPlan], *, explain: bool) -> None:
    """Print `plans`; to `explain`, with all that is not as in the last build."""
    for plan in plans:
        console.line(f"{plan.name}  ({console.relative(plan.spec)})")
        for subject, decision in sorted(plan.decisions.items()):
            console.line(f"  {_subject(subject)}: {decision.choice}{_confidence(plan, subject)}")
            for refuted in decision.refuted:
                console.line(f"    not {refuted.choice}: {refuted.reason}")
        for note in plan.notes:
            console.line(f"  note: {note}")
        rows = [["  " * depth + s.id, s.kind, s.toolchain or "-", _status(s)] for s, depth in _tree(plan.steps)]
        console.table(["step", "kind", "toolchain", "status"], rows, indent="  ")
        counts = {word: sum(s.status == word for s in plan.steps) for word in ("cached", "run", "waits")}
        to_do = counts["run"] + counts["waits"]
        waiting = "; one that waits is reused if what it waits for comes out as before" if counts["waits"] else ""
        if to_do:
            console.line(f"  {to_do} of {len(plan.steps)} steps to do{waiting}")
        elif plan.outstanding is not None:
            _publishing(plan.outstanding)
        if explain:
            _explain(plan)
        console.line()


def _publishing(outstanding: Outstanding) -> None:
    """What is left where every step is done: files to write and remove, or why none is written."""
    if outstanding == Outstanding({}, (), ()):
        console.line("  nothing to do")
        return
    console.line("  no step to do; a build would not publish it:" if outstanding.missed else "  no step to do, but:")
    for problem in outstanding.missed:
        console.line(f"    {problem.message}")
    for file, why in outstanding.writes.items():
        console.line(f"    write {console.relative(file)}, which {why}")
    for file in outstanding.removes:
        console.line(f"    remove {console.relative(file)}, which is no output any more")


def _explain(plan: ModelPlan) -> None:
    """For each step that is not as it was: all that changed."""
    told = [step for step in plan.steps if step.reasons or step.status != "cached"]
    if not told:
        console.line("  every step is as in the last build")
    for step in told:
        console.line(f"  {step.id}: {_verdict(step)}")
        for reason in step.reasons:
            console.line(f"    {reason}")


def _verdict(step: PlannedStep) -> str:
    if step.status == "run":
        return "runs"
    if step.status == "cached":
        return "reused: the same was done in an earlier build, or elsewhere"
    if step.reasons:
        return "runs, or is reused if the same was done before"
    return f"runs if what comes of {step.because.removeprefix('after ')} is not as before"


def _subject(subject: str) -> str:
    kind, _, variant = subject.partition(":")
    return f"{kind} of {variant}" if variant else kind


def _confidence(plan: ModelPlan, subject: str) -> str:
    if subject not in plan.untried:
        return " (decided, in model.lock)"
    following = plan.untried[subject]
    return f" (untried; then {', then '.join(following)})" if following else " (untried)"


def _tree(steps: Sequence[PlannedStep]) -> Iterator[tuple[PlannedStep, int]]:
    """The steps with their depths, each below the one of its needs that comes last."""
    depths: dict[str, int] = {}
    below: dict[str, list[PlannedStep]] = {}
    for step in steps:
        above = max((n for n in step.needs if n in depths), key=lambda n: depths[n], default="")
        depths[step.id] = depths[above] + 1 if above else 0
        below.setdefault(above, []).append(step)

    def walk(above: str) -> Iterator[tuple[PlannedStep, int]]:
        for step in below.get(above, ()):
            yield step, depths[step.id]
            yield from walk(step.id)

    return walk("")


def _status(step: PlannedStep) -> str:
    if step.status == "cached":
        return f"cached ({step.seconds:.2f} s saved)"
    return f"to run: {step.because}" if step.status == "run" else f"waits for {step.because.removeprefix('after ')}"
