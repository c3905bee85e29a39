"""What all tables of specs have in common."""

from __future__ import annotations

from pydantic import (
    BaseModel,
    ConfigDict,
)


class SpecModel(BaseModel):
    """The base of all tables: closed, frozen, and without silent conversions."""

    # Descriptions of keys are read by `descriptions`: pydantic would do so whenever this is imported.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
