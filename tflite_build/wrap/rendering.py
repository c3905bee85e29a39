"""Templates: the tool's own, and the user's, which take their place by name and can reach nothing but the view.

Jinja's sandbox runs them: a template prints, and does no more, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tflite_build import resources
from tflite_build.engines.contract import Invalid


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
            try:
                made[path] = environment.get_template(name).render(values)
            except jinja2.TemplateError as error:
                if self.own is None:
                    raise
                where = getattr(error, "name", None) or name
                line = getattr(error, "lineno", None)
                place = f"{where}:{line}" if line else where
                raise Invalid(f"the template {place} cannot be used: {error}", f"{self.platform}.templates") from None
        return made


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
    )
