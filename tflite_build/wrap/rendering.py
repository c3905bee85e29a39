"""Templates: the tool's own, and the user's, which take their place by name and can reach nothing but the view.

Jinja's sandbox runs them: a template prints, and does no more, whoever wrote it.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tflite_build import resources
from tflite_build.engines.contract import Invalid
from tflite_build.errors import near_miss

_NAMED = re.compile(r"\{\{ (\w+) \}\}")
# What the expressions of a template can end in, beside jinja2's own errors.
_FAULTS = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Library:
    """What is generated for an app.

    Attributes:
        texts: By path.
        models: Path -> the variant whose file it is.
        goldens: Path -> the variant, and the name among its goldens.
        copies: Path -> the user's own file, by its name among the inputs of the step.
    """

    texts: Mapping[str, str]
    models: Mapping[str, str]
    goldens: Mapping[str, tuple[str, str]]
    copies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one platform.

    Attributes:
        platform: "android": the folder under `templates/`.
        own: The user's folder, or None.
        filters: What templates may call, by name.
    """

    platform: str
    own: Path | None
    filters: Mapping[str, Callable[..., Any]]

    def render(self, files: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
        """The texts of files.

        Args:
            files: Path of a file -> the name of its template, and what that is given.

        Raises:
            Invalid: If a template of the user's is no template, or asks for what there is not.
        """
        import jinja2  # takes longer than all else that is done here

        environment = _environment(self.platform, self.own)
        environment.filters |= dict(self.filters)
        made: dict[str, str] = {}
        for path, (name, values) in files.items():
            plain = _plain(resources.templates(self.platform) / name, values) if self.own is None else None
            if plain is not None:
                made[path] = plain
                continue
            try:
                made[path] = environment.get_template(name).render(values)
            except (jinja2.TemplateError, *_FAULTS) as error:
                if self.own is None:
                    raise
                text = f"there is no template '{error.name}'" if isinstance(error, jinja2.TemplateNotFound) else error
                place = _place(error, name, self.own)
                raise Invalid(f"the template {place} cannot be used: {text}", f"{self.platform}.templates") from None
        return made

    def check(self) -> None:
        """Look at the user's folder.

        Raises:
            Invalid: If it has a template that takes no other's place, and that none of the others names.
        """
        if self.own is None:
            return
        known = _names(resources.templates(self.platform))
        own = _names(self.own)
        for name in sorted(own.keys() - known.keys()):
            if not any(name.encode() in file.read_bytes() for other, file in own.items() if other != name):
                raise Invalid(
                    f"the template {name} takes no template's place, and none includes it",
                    f"{self.platform}.templates",
                    near_miss(name, known) or f"those whose place can be taken are called as {min(known)}",
                )


def _plain(template: Path, values: Mapping[str, Any]) -> str | None:
    """The text of a template that only names strings, as jinja2 gives it: most are such, and it compiles each first."""
    text = template.read_text("utf-8")
    if "{%" in text or "{#" in text or text.count("{{") != len(_NAMED.findall(text)):
        return None
    if not all(isinstance(values.get(name), str) for name in _NAMED.findall(text)):
        return None
    return _NAMED.sub(lambda found: str(values[found[1]]), text)


def _names(folder: Path) -> dict[str, Path]:
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.jinja")}


def _place(error: Exception, name: str, own: Path) -> str:
    """The template and the line in it that an error is of."""
    where, line = getattr(error, "name", None), getattr(error, "lineno", None)
    for frame in traceback.extract_tb(error.__traceback__):
        file = Path(frame.filename)
        if not line and file.suffix == ".jinja":
            where = file.relative_to(own).as_posix() if file.is_relative_to(own) else where
            return f"{where or name}:{frame.lineno}"
    return f"{where or name}:{line}" if line else name


@lru_cache(maxsize=4)  # of a workspace's models most have the same templates, which take a while to compile
def _environment(platform: str, own: Path | None) -> Any:
    import jinja2.sandbox

    return jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([*([own] if own else []), resources.templates(platform)]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        optimized=False,  # what folding constants takes is more than it saves of one rendering
    )
