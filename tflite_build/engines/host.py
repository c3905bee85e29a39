"""The loop of an engine process: requests as JSON lines on one pipe, replies on another, everything else in a log.

Started as `python -s -P FOLDER TOOL REQUEST_FD REPLY_FD` (its process id), with stdout and stderr already on the log. A
request `{"kind", "params", "inputs", "outputs", "project", "memory"}` gets one reply: `{"done": answer}`,
`{"refused": ...}`, `{"invalid": ...}` or `{"failed": ...}`; `memory` is a limit in bytes, or null. `{"warm": kinds,
"guard": bool}`, which comes ahead of requests, has it import what steps of these kinds need, and gets none. The end of the
request pipe ends the process, so that it dies with the tool. Knows nothing of what the steps do.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .contract import Invalid, Refused, Request, tells_of_memory
from .registry import STEPS

_UMASK = 0o022
_MEMORY = {resource.RLIMIT_DATA: "VmData", resource.RLIMIT_AS: "VmPeak"}  # limit -> its figure in /proc/self/status
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def guard(request_fd: int, reply_fd: int) -> None:
    """Have everything that this process starts end with the tool, as it does itself.

    A second process waits for the end of the request pipe and kills the group. It is a child of nobody here, so that
    user code which waits for its children does not wait for it.
    """
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    if os.fork():
        os._exit(0)
    os.close(reply_fd)  # whoever holds it open hides the end of this process from the tool
    poll = select.poll()
    poll.register(request_fd, 0)
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
        pass
    os.killpg(0, signal.SIGKILL)


def limit_memory(limit: int | None) -> None:
    """Let this process have at most `limit` bytes of writable memory; None lifts the limit."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if limit is None or (hard != resource.RLIM_INFINITY and limit > hard):
        limit = hard
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def answer(message: dict[str, Any]) -> dict[str, Any]:
    """Do what one request asks for; the reply as JSON values. Never raises for what a step does."""
    kind = message["kind"]
    mapped_before = _forget_peaks()
    try:
        module = _import(kind)
        request = Request(
            kind=kind,
            params=message["params"],
            inputs={name: Path(path) for name, path in message["inputs"].items()},
            outputs=Path(message["outputs"]),
            project=Path(message["project"]) if message.get("project") else None,
        )
        facts = module.run(request)
        return {"done": facts or {}}
    except (Invalid, Refused) as answered:
        return _lack_of_memory(answered, mapped_before) or _answered(answered)
    except MemoryError:
        return {"failed": {"error": "out of memory", "traceback": traceback.format_exc(), "memory": True}}
    except Exception as error:
        text = traceback.format_exc()
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            return {"failed": {"error": error.strerror, "traceback": text, "memory": False, "space": True}}
        print(text, file=sys.stderr, flush=True)
        # Python's own compiler, too, fails in strange words where an allocation fails.
        failed = {"error": f"{type(error).__name__}: {error}", "traceback": text, "memory": False}
        return {"failed": {**failed, "limited": _is_short(mapped_before)}}


def _answered(answer: Invalid | Refused) -> dict[str, Any]:
    if isinstance(answer, Refused):
        operators = [{"name": o.name, "needs": o.needs, "source": o.source} for o in answer.operators]
        return {
            "refused": {
                "reason": answer.reason,
                "operators": operators,
                "detail": answer.detail,
                "alternative": answer.alternative,
            }
        }
    return {"invalid": {"message": answer.message, "key": answer.key, "hint": answer.hint, "detail": answer.detail}}


def _lack_of_memory(answer: Invalid | Refused, mapped_before: int) -> dict[str, Any] | None:
    """The failure that stands behind an answer which a library's exception led to, where memory may be why.

    A refusal says something of the model and is remembered; what this machine has may change. What is invalid without
    a refusal behind it is not remembered, and whoever says so has looked at the exception. Libraries
    have many words for a failed allocation, or none: while memory is limited, a refusal that blames no operator and
    began as an exception of theirs is no judgement of the model.
    """
    chain = list(_chain(answer))
    foreign = [e for e in chain if not isinstance(e, Invalid | Refused)]
    refusals = [e for e in chain if isinstance(e, Refused)]
    sure = any(isinstance(e, MemoryError) or tells_of_memory(f"{type(e).__name__}: {e}") for e in foreign)
    if refusals and (sure or (_is_short(mapped_before) and foreign and not any(r.operators for r in refusals))):
        text = "".join(traceback.format_exception(answer))
        return {"failed": {"error": str(answer), "traceback": text, "memory": sure, "limited": not sure}}
    return None


def _forget_peaks() -> int:
    """Have the kernel look anew for the most memory that this process holds: what earlier steps held says nothing.

    Linux alone does that, and not for what is mapped: its peak until now, in bytes.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "utf-8")  # see proc(5)
    return _sizes().get("VmPeak", 0)


def _is_short(mapped_before: int) -> bool:
    """Whether this step holds, or held, half of the memory that the process may have: then a refusal is not believed.

    Nothing tells afterwards whether an allocation failed. To believe no refusal while memory is limited would leave models
    without the next engine that a limit never troubled; so one is believed far below the limit. What is wrong with that:
    a single allocation of more than half of the limit that fails far below it, in words that `tells_of_memory` does not
    know. That is taken for a refusal.

    Args:
        mapped_before: The peak of what was mapped before the step.
    """
    sizes = _sizes()
    if sizes.get("VmPeak", 0) <= mapped_before:  # an earlier step's
        sizes["VmPeak"] = sizes.get("VmSize", 0)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = sizes.get("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return any(
        max(peak, sizes.get(name, 0)) > limit / 2
        for what, name in _MEMORY.items()
        if (limit := resource.getrlimit(what)[0]) != resource.RLIM_INFINITY
    )


def _sizes() -> dict[str, int]:
    """The process's memory as Linux counts it, in bytes; against the limits it counts before it is ever touched."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return {}
    sizes = (line.partition(":") for line in lines if line.startswith("Vm"))
    return {name: int(text.split()[0]) * 1024 for name, _, text in sizes}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and the exceptions that led to it, whether it was raised from them or not."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _import(kind: str) -> Any:
    # Collecting garbage while the large frameworks import costs a quarter of a second and frees nothing.
    gc.disable()
    try:
        return importlib.import_module(f".{STEPS[kind]}", __package__)
    finally:
        gc.enable()


def serve(request_fd: int, reply_fd: int) -> None:
    """Answer requests until the pipe ends."""
    guarded = False
    with os.fdopen(request_fd, encoding="utf-8") as requests, os.fdopen(reply_fd, "w", encoding="utf-8") as replies:
        for line in requests:
            message = json.loads(line)
            # Only user code starts processes. The guard is to be small: it comes before the frameworks.
            if (message.get("project") or message.get("guard")) and not guarded:
                guard(request_fd, reply_fd)
                guarded = True
            if "warm" in message:  # import ahead of need; a failure shows when the step is really asked for
                for kind in message["warm"]:
                    try:
                        _import(kind)
                    except Exception:
                        traceback.print_exc()
                continue
            limit_memory(message.get("memory"))
            reply = answer(message)
            sys.stdout.flush()
            sys.stderr.flush()
            replies.write(json.dumps(reply) + "\n")
            replies.flush()


def main() -> None:
    """The entry point: file descriptors as arguments, the folder of the user's packages in the environment."""
    os.umask(_UMASK)  # the modes of what user code sees are the same for everybody
    overlay = os.environ.pop("TFLITE_BUILD_OVERLAY", "")
    if overlay:
        sys.path.append(overlay)  # behind the toolchain's own packages, which were resolved first
    serve(int(sys.argv[2]), int(sys.argv[3]))
