"""What a user may write in model.toml, as closed, frozen types: the one source of truth for its format.

The JSON Schema, the reference page and `init` are made from these classes, so their field descriptions are the
documentation. Only what one table tells of itself is checked here; what tables may not combine, and which files have to
exist, is in `rules`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from .apps import APPS, Android, Ios
from .base import SpecModel
from .checks import Checks
from .kinds import Argument, Result
from .metadata import Metadata, Text
from .methods import INTERNAL, Method, State, States
from .sources import Source
from .tensors import Input, Output, SignatureTensors
from .values import (
    Abi,
    Accelerators,
    Amount,
    Api,
    Engine,
    Identifier,
    Libraries,
    Name,
    Oldest,
    Operator,
    Paths,
    RelativePath,
    Seconds,
    SelectOps,
    Strings,
    Targets,
    Tolerance,
    as_tuple,
    wrong,
)
from .variants import Calibration, Variant

SPEC_VERSION = 1

RESERVED_TARGETS = (*APPS, "runtime", "check")


class Model(SpecModel):
    """What the model is called, and what its metadata says of it."""

    name: Name
    """Names the outputs, the Kotlin class and the Swift type: letters, digits, `_` and `-`."""
    version: Text | None = None
    """The model's version."""
    description: Text | None = None
    """What it does."""
    author: Text | None = None
    """Who made it."""
    license: Text | None = None
    """Under which licence it may be used."""


class TensorflowSwitches(SpecModel):
    """The TensorFlow converter's own switches: a closed list, since it ignores unknown ones without a word."""

    resource_variables: bool | None = None
    """Convert variables that change while the model runs (`experimental_enable_resource_variables`)."""
    lower_tensor_list_ops: bool | None = None
    """Turn tensor lists into builtin operators (`_experimental_lower_tensor_list_ops`)."""
    unfold_batch_matmul: bool | None = None
    """Replace BATCH_MATMUL by FULLY_CONNECTED operators (`unfold_batchmatmul`)."""
    guarantee_all_funcs_one_use: bool | None = None
    """Copy functions that are called several times (`_experimental_guarantee_all_funcs_one_use`)."""


class Convert(SpecModel):
    """How the source becomes a float .tflite file."""

    engine: Engine = "auto"
    """Who converts. `auto` takes the first engine whose file equals the source, and remembers it in model.lock."""
    tolerance: Tolerance = 1e-3
    """How far an output of a float file may be from the source's, as a share of that output's range."""
    tensorflow: TensorflowSwitches = TensorflowSwitches()
    """Switches of the TensorFlow converter."""


class Runtime(SpecModel):
    """The runtime that the app will meet."""

    target: Targets = ("standard",)
    """What the app is linked to: `standard` (the library as it is published), `play-services` (what Google Play services
    bring), `custom` (a library of your own with only the operators that are needed), or a list."""
    api: Api = "auto"
    """How the app's code calls the model. `auto` takes `compiled-model` where that can run it and has the accelerators,
    else `interpreter`."""
    accelerators: Accelerators = ("cpu",)
    """What the app tries to run the model on, in this order: `npu`, `gpu`, `cpu`."""
    fallback: Literal["bundled"] | None = None
    """For `play-services`: the runtime that the app brings for devices where those have none."""
    abis: Annotated[tuple[Abi, ...], BeforeValidator(as_tuple), Field(min_length=1)] | None = None
    """The Android ABIs of a `custom` library. Default: `["arm64-v8a", "armeabi-v7a", "x86_64"]`."""
    library: Libraries | None = None
    """The `custom` library once you have built it, an .aar or an .so, or a list where it is several, as with select
    TensorFlow operators: its size counts for `max_download`."""
    oldest: Oldest | None = None
    """The oldest release that has to run the files: `"litert 2.1"` or `"tflite 2.16"`, or a table with one for each
    platform, `android` and `ios`. Default: the newest, which this tool runs files with."""


class CustomOperator(SpecModel):
    """A custom operator that the model may have, and what runs it: a kernel that the app registers by itself."""

    library: RelativePath | None = None
    """A shared library of this machine that has the kernel, such as `"libmyop.so"`: `build`, `check` and `run` load it
    to run the model. Without it the files are built, and not run."""
    registerer: Identifier | None = None
    """The function of `library` that registers the kernel, `extern "C"`."""
    interface: Literal["interpreter", "compiled-model"] | None = None
    """What `registerer` takes. `interpreter`: a `tflite::MutableOpResolver*`, as the Interpreter API has it.
    `compiled-model`: a `LiteRtOptions`, for which it calls `LiteRtAddCustomOpKernelOption`. Default: `compiled-model`
    for a library that calls this function, else `interpreter`."""
    sources: Paths = ()
    """The C++ files of the kernel, for what builds a `custom` runtime: they are copied there."""

    @model_validator(mode="after")
    def _together(self) -> CustomOperator:
        if self.library and not self.registerer:
            raise wrong("'library' needs 'registerer', the function in it that registers the kernel", "registerer")
        if not self.library and (self.registerer or self.interface):
            key = "registerer" if self.registerer else "interface"
            raise wrong(f"'{key}' says something of a 'library', and there is none", key)
        return self


class Compatibility(SpecModel):
    """What the model may need of the app beyond the standard operators."""

    select_tf_ops: SelectOps = False
    """Whether the model may have operators that only TensorFlow's own kernels run, for which the app links one more
    library: `true`, or the names of those that it may have, such as `["Lgamma"]`."""
    custom_ops: dict[Operator, CustomOperator] = {}
    """The custom operators that the model may have by name, beside those that every runtime carries."""
    gpu: Literal["allow", "require"] = "allow"
    """`require`: the GPU delegate has to take every operator of every variant."""


class Limits(SpecModel):
    """What one action may take. They do not change what is built, only whether a build gives up."""

    timeout: Seconds = 1800
    """Seconds after which an action counts as hanging and is stopped."""
    memory: Amount | None = None
    """The most memory that an action may take, such as `"4 GB"`. Default: what the machine has."""


class Toolchain(SpecModel):
    """The environment that the user's own code runs in."""

    packages: Strings = ()
    """Packages that the user's code imports, such as `einops==0.8.1`; pinned with hashes in model.lock."""


class ModelSpec(SpecModel):
    """The whole of model.toml."""

    spec: Literal[1]
    """The version of this format."""
    model: Model
    """What the model is called."""
    source: Source
    """Where the model comes from."""
    convert: Convert = Convert()
    """How the source becomes a float .tflite file."""
    input: dict[str, Input] = {}
    """Inputs by name, for a model with one signature."""
    output: dict[str, Output] = {}
    """Outputs by name, for a model with one signature."""
    argument: dict[str, Argument] = {}
    """What an app passes, where that is not one thing for each input; for a model with one signature."""
    result: dict[str, Result] = {}
    """What an app gets, where that is not one thing for each output; for a model with one signature."""
    state: States = {}
    """What the model keeps between calls: a table for each value that a call gives and the next one takes; or
    `state = "internal"` where variables in the model keep it."""
    method: dict[Name, Method] = {}
    """What an app calls the model by, where that is not a method for each signature, called as that."""
    signature: dict[str, SignatureTensors] = {}
    """Inputs and outputs by signature, for a model with several."""
    variant: dict[Name, Variant] = {}
    """The files to build, by name. Default: one called `float32`, unquantized."""
    calibration: Calibration | None = None
    """The representative data for int8 and int16x8."""
    checks: Checks = Checks()
    """Limits that every variant has to keep."""
    runtime: Runtime = Runtime()
    """The runtime that the app will meet."""
    compatibility: Compatibility = Compatibility()
    """What the model may need of the app beyond the standard operators."""
    metadata: Metadata = Metadata()
    """What libraries that read TFLite Metadata are told."""
    limits: Limits = Limits()
    """What one action may take."""
    toolchain: Toolchain = Toolchain()
    """The environment that the user's own code runs in."""
    android: Android | None = None
    """The Kotlin code that an Android app calls the model with."""
    ios: Ios | None = None
    """The Swift code that an iOS app calls the model with."""

    @field_validator("spec", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, bool | float):  # which Python takes for equal to 1
            raise wrong(f"'spec' is {str(value).lower()}; it must be the whole number {SPEC_VERSION}")
        return value

    @property
    def keeps_inside(self) -> bool:
        """Whether variables in the model keep values between calls."""
        return self.state == INTERNAL

    @property
    def states(self) -> dict[str, State]:
        """The values that calls hand on, by name."""
        return self.state if isinstance(self.state, dict) else {}

    @field_validator("variant")
    @classmethod
    def _no_reserved(cls, value: dict[str, Variant]) -> dict[str, Variant]:
        for name in value:
            if name in RESERVED_TARGETS:
                raise wrong(f"a variant cannot be called '{name}': that word is a target of its own")
        return value

    @model_validator(mode="after")
    def _together(self) -> ModelSpec:
        if (self.input or self.output or self.argument or self.result) and self.signature:
            raise wrong(
                "give either [input]/[output] (one signature) or [signature.NAME.input] (several), not both",
                "signature",
            )
        return self
