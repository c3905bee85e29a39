"""`compare`: how far the outputs of a .tflite file are from expected ones, on the same samples.

Measures and does not judge. Numbers are rounded to six digits, since kernels differ in the last bits from CPU to CPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tflite_build.engines.contract import Answer, Invalid, Names, Refused, Request
from tflite_build.engines.files import custom_operators, lookups, opening, tensors
from tflite_build.engines.files import graph as graphs
from tflite_build.engines.files.runner import Runner
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.kinds.training import Training
from tflite_build.engines.words import counted, quoted

_FLOATS = ("float16", "float32", "float64")
_SUM_ERROR = 1e-3
_FAINT = 0.1  # of an output's usual size (root of the mean square): below it errors outweigh what is compared
_CONSTANT = 1e-12  # share of the largest value below which an output counts as constant

_RANDOM = {"MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM"}

_Pair = tuple[Array | None, Array, str]  # what the file gives for the samples of a case, what is expected, and where


def run(request: Request) -> Answer:
    """Write `compare.json`, and with `keep_outputs` the outputs for all samples as `outputs/`.

    A file with custom operators that no library is given for is not run: it has no outputs, and `not_run` names them.

    Raises:
        Refused: If the runtime does not load or run the file, or it has other signatures or inputs.
        Invalid: If an output of the float file is NaN everywhere, and that of the source where it was run.
    """
    absent = custom_operators.not_run(request)
    if absent:
        if request.params["keep_outputs"]:
            tensors.write(request.outputs / "outputs", [])
        request.write_json("compare.json", {"signatures": [], "not_run": list(absent)})
        return Answer()
    runner = opening.runner(request)
    names = Names.from_json(request.params["names"])
    cases = tensors.read(request.inputs["samples"])
    expected = tensors.read(request.inputs["expected"]) if "expected" in request.inputs else None
    training = Training.from_json(request.params.get("training", {}))
    made = []
    for case in cases:
        if training.follows(case.signature):
            _teach(runner, cases, names, training)
        made.append(_outputs(runner, case, names, request, training))
    if request.params["keep_outputs"]:
        tensors.write(request.outputs / "outputs", made)
    rows: dict[str, list[dict[str, Any]]] = {}
    if expected is not None:
        rows = _rows(cases, made, expected)
    found: dict[str, Any] = {"signatures": [{"name": s, "outputs": outputs} for s, outputs in rows.items()]}
    random = {o.name for _, o in graphs.read(request.inputs["model"]).operators()} & _RANDOM
    if random:
        found["random"] = sorted(random)
    given = custom_operators.libraries(request, custom_operators.of(request.inputs["model"]))
    if given:
        found["api"] = given[0].interface
    request.write_json("compare.json", found)
    if not request.params["keep_outputs"]:
        return Answer()
    # Of the float file alone: what is no number there can be compared with nothing, in no variant.
    warnings = _unusual(made, expected, request.inputs["model"])
    return Answer(warnings=warnings)


def _unusual(made: Sequence[Case], expected: Sequence[Case] | None, model: Path) -> list[str]:
    """What to say of outputs with values that are NaN or infinite.

    Raises:
        Invalid: If an output has no other values than NaN, which no app can use.
    """
    given, wanted = _by_output(made), _by_output(expected or ())
    said = []
    for (signature, name), arrays in given.items():
        flat = np.concatenate([_flat(a) for a in arrays])
        if flat.dtype.kind != "f" or flat.size == 0 or np.isfinite(flat).all():
            continue
        where = f"output '{name}'" + (f" of '{signature}'" if signature else "")
        if np.isnan(flat).all() and all(np.isnan(_flat(a)).all() for a in wanted.get((signature, name), ())):
            raise _nothing_but_nan(where, arrays, model)
        said.append(
            f"{where}: {int((~np.isfinite(flat)).sum())} of {flat.size} values are NaN or infinite in the float file, and "
            "in the source where it was run; they are compared with nothing"
        )
    return said


def _by_output(cases: Sequence[Case]) -> dict[tuple[str, str], list[Array]]:
    found: dict[tuple[str, str], list[Array]] = {}
    for case in cases:
        for name, array in case.tensors.items():
            found.setdefault((case.signature, name), []).append(array)
    return found


def _nothing_but_nan(where: str, arrays: Sequence[Array], model: Path) -> Invalid:
    constants = [t for s in graphs.read(model).subgraphs for t in s.tensors if t.constant and t.dtype in _FLOATS]
    holding = sum(bool(np.isnan(t.numbers).any()) for t in constants)
    samples = sum(len(a) for a in arrays)
    return Invalid(
        f"{where} is NaN everywhere in the source itself, in all of {counted(samples, 'sample')}",
        "source",
        f"{holding} of the {len(constants)} constants in the model hold NaN, as after a training that diverged: take "
        "weights from before"
        if holding
        else "if these are values that it is not made for, give `range` in [input.NAME] of model.toml, or real samples in "
        "[calibration]",
    )


def _teach(runner: Runner, cases: Sequence[Case], names: Names, training: Training) -> None:
    """Have the file learn, and where it can be saved, go on with what another one restores of that."""

    def run(signature: str, sample: Mapping[str, Array], fresh: bool) -> Mapping[str, Array]:
        taken = {names.public(signature, "inputs", own): value for own, value in sample.items()}
        return runner.run(signature, taken, fresh=fresh)

    training.teach(cases, run)
    if not (training.save and training.restore):
        return
    save = next(case for case in cases if case.signature == training.save)
    saved = run(save.signature, save.sample(0), False)
    public = {names.public(training.save, "outputs", name): value for name, value in saved.items()}
    wanted = runner.signatures[training.restore].inputs
    if public.keys() >= wanted.keys():  # else something else says so
        runner.run(training.restore, {name: public[name] for name in wanted}, fresh=True)


def _outputs(runner: Runner, case: Case, names: Names, request: Request, training: Training) -> Case:
    """What the file gives for the samples, by the model's own names, where `names` says how the file calls tensors."""
    signature = runner.signatures.get(case.signature)
    if signature is None:
        raise Refused(f"the file has the signatures {quoted(runner.signatures)}, and not '{case.signature}'")
    taken = {own: names.public(case.signature, "inputs", own) for own in case.tensors}
    if set(signature.inputs) != set(taken.values()):
        raise Refused(
            f"the signature '{case.signature}' of the file takes {quoted(signature.inputs)} where the source takes "
            f"{quoted(taken.values())}"
        )
    back = {name: names.own(case.signature, "outputs", name) for name in signature.outputs}
    collected: dict[str, list[Array]] = {}
    for index in range(case.count):
        sample = {taken[own]: array for own, array in case.sample(index).items()}
        try:
            outputs = runner.run_real(case.signature, sample, fresh=training.starts(case.signature, index))
        except Refused as refused:
            mistake = lookups.explained(refused, graphs.read(request.inputs["model"]), signature, sample)
            if mistake is None:
                raise
            raise mistake.in_sample(index, request.params["data"]) from None
        for name, array in outputs.items():
            collected.setdefault(back[name], []).append(array)
    return Case(case.signature, {name: tensors.stack(arrays, name) for name, arrays in collected.items()}, case.sizes)


def _rows(cases: Sequence[Case], made: Sequence[Case], expected: Sequence[Case]) -> dict[str, list[dict[str, Any]]]:
    """One row for each output, over all sizes of its signature; cosine and scale are those of the worst one.

    The user's own samples count as one, since a sample alone, whose output may be a single number near zero, has no cosine
    worth the name. Of sizes that samples were brought to each is for itself.
    """
    pairs: dict[tuple[str, str], list[_Pair]] = {}
    for case, given, wanted in zip(cases, made, expected, strict=True):
        at = ", ".join(f"{name} = {size}" for name, size in case.sizes.items()) if case.derived else ""
        for name, array in wanted.tensors.items():
            got = given.tensors.get(name)
            pair = (None if got is None else got[: len(array)], array, at)
            pairs.setdefault((wanted.signature, name), []).append(pair)
    rows: dict[str, list[dict[str, Any]]] = {c.signature: [] for c in cases}
    for (signature, name), arrays in pairs.items():
        rows[signature].append({"name": name, **_row(arrays)})
    return rows


def _row(pairs: Sequence[_Pair]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "cosine": None,
        "scale": None,
        "max_abs": None,
        "max_share": None,
        "top1": None,
        "samples": sum(len(wanted) for _, wanted, _ in pairs),
        "dtype": pairs[0][1].dtype.name,
        "note": "",
    }
    for got, wanted, _ in pairs:
        if got is None:
            return {**row, "status": "missing"}
        if got.shape != wanted.shape:
            return {**row, "status": "shape", "note": f"{list(got.shape[1:])}, not {list(wanted.shape[1:])}"}
        if _kind(got) != _kind(wanted):
            return {**row, "status": "dtype", "note": f"{got.dtype}, not {wanted.dtype}"}
    got = np.concatenate([_flat(g) for g, _, _ in pairs if g is not None])
    wanted = np.concatenate([_flat(w) for _, w, _ in pairs])
    if wanted.size == 0:
        return {**row, "status": "empty"}
    if wanted.dtype.kind in "SUO":  # text is equal or not
        differ = int((got != wanted).sum())
        return {**row, "status": "text" if differ else "ok", "note": f"{differ} of {got.size}" if differ else ""}
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    bad = ~np.isfinite(got) & ~same
    if bad.any():
        return {**row, "status": "nonfinite", "note": f"{int(bad.sum())} of {got.size} values"}
    usable = np.isfinite(wanted) & np.isfinite(got)
    if not usable.all():
        if (~same & ~usable).any():
            return {**row, "status": "nonfinite", "note": "the source gives NaN or infinity where the file does not"}
        got, wanted = got[usable], wanted[usable]
        if wanted.size == 0:
            return {**row, "status": "empty"}
    error = float(np.abs(got - wanted).max())
    spread = float(wanted.max() - wanted.min())
    largest = float(np.abs(wanted).max())
    row |= {"max_abs": _rounded(error), "top1": _top1(pairs)}
    if spread <= _CONSTANT * max(largest, 1e-30):
        row["max_share"] = _rounded(error / max(1.0, largest))
        return {**row, "status": "zero" if largest == 0 else "constant"}
    row["max_share"] = _rounded(error / spread)
    if not got.any():
        return {**row, "cosine": 0.0, "status": "dead"}
    whole = _likeness(got, wanted)
    found = _by_group(pairs, float(np.sqrt(np.mean(wanted**2)))) or {"": whole}
    at, (cosine, _) = min(found.items(), key=lambda item: item[1][0])
    scale = max((scale for _, scale in found.values()), key=lambda scale: max(scale, 1 / scale) if scale else np.inf)
    return {
        **row,
        "cosine": _rounded(cosine),
        "scale": _rounded(scale),
        "status": "ok",
        "note": f"at {at}" if at else "",
    }


def _by_group(pairs: Sequence[_Pair], usual: float) -> dict[str, tuple[float, float]]:
    """`_likeness` of what counts as one, by where that is; without what is next to nothing beside the `usual` size."""
    groups: dict[str, tuple[list[Array], list[Array]]] = {}
    for got, wanted, at in pairs:
        assert got is not None  # the caller has looked
        made, source = groups.setdefault(at, ([], []))
        made.append(_flat(got))
        source.append(_flat(wanted))
    found = {}
    for at, (made, source) in groups.items():
        given, asked = np.concatenate(made), np.concatenate(source)
        usable = np.isfinite(given) & np.isfinite(asked)
        given, asked = given[usable], asked[usable]
        if asked.size and float(np.sqrt(np.mean(asked**2))) > _FAINT * usual:
            found[at] = _likeness(given, asked)
    return found


def _likeness(got: Array, wanted: Array) -> tuple[float, float]:
    """Cosine similarity, and how much longer `got` is than `wanted`, which is not zero; (0, 0) where it is zero.

    A vector that is too long by a constant factor has a cosine of 1.
    """
    lengths = float(np.linalg.norm(got)), float(np.linalg.norm(wanted))
    if not lengths[0]:
        return 0.0, 0.0
    return max(-1.0, min(1.0, float(got @ wanted) / (lengths[0] * lengths[1]))), lengths[0] / lengths[1]


def _flat(array: Array) -> Array:
    """All values of an output in a row, as float64; complex numbers as two each."""
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], -1)
    flat: Array = array.reshape(-1)
    return flat if flat.dtype.kind in "SUO" else flat.astype(np.float64)


def _kind(array: Array) -> str:
    if array.dtype.kind in "SUO":  # whose width is that of the longest
        return "text"
    # int32 and int64 are told apart, float types are not: a float16 file may well give float32.
    return "f" if array.dtype.kind == "f" else array.dtype.name


def _top1(pairs: Sequence[_Pair]) -> float | None:
    """The share of samples with the same largest entry, where an output is a distribution over classes.

    That is one row for each sample, [1, classes], of numbers that are not negative and add up to 1. Of logits nobody can
    tell that they are classes; `[checks] accuracy` measures those.
    """
    agree = total = 0
    for got, wanted, _ in pairs:
        if got is None or wanted.ndim != 3 or wanted.dtype.kind != "f" or wanted.shape[-1] < 2:
            return None
        rows = wanted.reshape(-1, wanted.shape[-1])
        if not (rows.min() >= -_SUM_ERROR and np.abs(rows.sum(-1) - 1).max() < _SUM_ERROR):
            return None
        agree += int((got.reshape(rows.shape).argmax(-1) == rows.argmax(-1)).sum())
        total += len(rows)
    return round(agree / total, 6) if total else None


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
