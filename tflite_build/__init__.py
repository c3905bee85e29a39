"""tflite-build: one model.toml becomes checked, reproducible .tflite files."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers take it; typing itself takes longer to import than a build with nothing to do
if TYPE_CHECKING:
    from typing import Any

    from .api import (
        BuildResult,
        Change,
        Checked,
        Collected,
        Evaluation,
        Gate,
        LoadedSpec,
        ModelDifference,
        ModelPlan,
        ModelResult,
        OutputArray,
        OutputChange,
        Stats,
        Suggestion,
        Summary,
        ValueChange,
        VariantResult,
        Verified,
        build,
        cache_gc,
        cache_stats,
        cache_verify,
        check,
        clean,
        diff,
        evaluate,
        init,
        inspect,
        load,
        plan,
        run_file,
        runtime,
        suggest,
        verify,
    )
    from .errors import BuildError, Place, Problem

__version__ = "0.1.0"

# What needs not all of the API, and starts sooner without.
_ELSEWHERE = {
    "BuildError": ".errors",
    "Place": ".errors",
    "Problem": ".errors",
    "diff": ".run.comparison",
    "inspect": ".run.inspecting",
}

__all__ = [
    "BuildError",
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
    "Place",
    "Problem",
    "Stats",
    "Suggestion",
    "Summary",
    "ValueChange",
    "VariantResult",
    "Verified",
    "__version__",
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


def __getattr__(name: str) -> Any:
    # Loaded on first use: the command line must be able to start without any of it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(_ELSEWHERE.get(name, ".api"), __name__)
    return getattr(module, name)
