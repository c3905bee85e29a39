"""fetch: bring a source from its address, check its hash, and take the named member out of an archive.

Runs in the tool's own process. Only what the hash in the spec promises ever leaves this step.
"""

from __future__ import annotations

import posixpath
import urllib.parse

from tflite_build.engines.contract import Invalid, Request
from tflite_build.planning.action import Step
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.sources import KerasSource, SavedModelSource, TfliteSource

from . import unpack
from .tools import Tools

ID = "fetch"


def member_name(url: str, path: str | None) -> str:
    """The name that the fetched file or folder has in the step's outputs."""
    name = posixpath.basename(posixpath.normpath(path or urllib.parse.urlsplit(url).path))
    return name if name not in ("", ".", "..") else "model"


def step(loaded: LoadedSpec, tools: Tools) -> Step | None:
    """The step for `loaded`, or None where its source lies beside the spec."""
    source = loaded.spec.source
    if not isinstance(source, KerasSource | SavedModelSource | TfliteSource) or not source.url:
        return None
    params = {"url": source.url, "sha256": source.sha256, "member": source.path}
    return Step(ID, "fetch", tools.local("fetch"), params, weight=5)


def run(request: Request) -> None:
    """Fetch, check, unpack.

    Raises:
        Invalid: With the key of model.toml to blame.
        EngineError: If the network or the server fails.
    """
    url, member = str(request.params["url"]), request.params["member"]
    from .download import download  # whose libraries take a while to import, and few builds fetch anything

    fetched = request.outputs.parent / "download"
    download(url, str(request.params["sha256"]), fetched)
    target = request.outputs / member_name(url, member)
    address = urllib.parse.urlsplit(url).path
    if address.endswith(unpack.SUFFIXES):
        if not member:
            raise Invalid(
                f"'{url}' is an archive, and nothing says which member to take",
                "source.url",
                'add path = "MEMBER", or path = "." for all of it',
            )
        unpack.member(fetched, member, target)
    elif member and posixpath.basename(address) != member:
        raise Invalid(
            f"'{url}' is no archive, so it has no member '{member}'",
            "source.path",
            f"archives end in {', '.join(unpack.SUFFIXES)}; leave 'path' out for a single file",
        )
    else:
        fetched.rename(target)
