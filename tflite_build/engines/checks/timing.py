"""`timing`: how long a .tflite file takes on this machine, with several numbers of threads; nothing that is kept."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tflite_build.engines.contract import Refused, Request
from tflite_build.engines.files import custom_operators, opening
from tflite_build.engines.files.runner import Port
from tflite_build.engines.words import quoted

_FEWEST = 5  # runs that say something of the spread


def run(request: Request) -> None:
    """Write `timing.json`: for each signature and number of threads the seconds of each run.

    Inputs are random (floats from 0 to 1) or zeros (integers, which may be ids), dynamic dimensions 1. Each starts with
    runs that are not counted, in which delegates prepare themselves and caches fill.

    Raises:
        Refused: If the runtime does not run the file.
    """
    absent = custom_operators.not_run(request)
    if absent:
        raise Refused(f"it needs {quoted(absent)}")
    found: list[dict[str, Any]] = []
    for threads in request.params["threads"]:
        runner = opening.runner(request, threads=threads)
        for name, signature in runner.signatures.items():
            if any(port.dtype == "string" for port in signature.inputs.values()):
                found.append({"signature": name, "threads": threads, "seconds": []})
                continue
            runner.run(name, {port.name: _values(port) for port in signature.inputs.values()})
            runner.invoke(name)
            until = time.perf_counter() + request.params["seconds"]
            seconds: list[float] = []
            while len(seconds) < _FEWEST or (time.perf_counter() < until and len(seconds) < request.params["most"]):
                begun = time.perf_counter()
                runner.invoke(name)
                seconds.append(time.perf_counter() - begun)
            found.append({"signature": name, "threads": threads, "seconds": seconds})
    request.write_json("timing.json", found)


def _values(port: Port) -> Any:
    shape = tuple(d if d >= 0 else 1 for d in port.shape)
    if np.dtype(port.dtype).kind != "f" and port.scale is None:
        return np.zeros(shape, port.dtype)
    random = np.random.default_rng(0).random(shape, np.float32)
    return random if port.scale is not None else random.astype(port.dtype)
