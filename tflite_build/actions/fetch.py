"""fetch: bring a source from its address, check its hash, and take the named member out of an archive.

Runs in the tool's own process. Only what the hash in the spec promises ever leaves this step.
"""

from __future__ import annotations

import hashlib
import posixpath
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse, IncompleteRead, InvalidURL
from pathlib import Path
from typing import IO, Any

from tflite_build.engines.contract import Invalid, Request
from tflite_build.errors import EngineError, Problem
from tflite_build.planning.action import Step
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.types import KerasSource, SavedModelSource, TfliteSource

from . import unpack
from .tools import Tools

ID = "fetch"
_TIMEOUT = 60


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
    fetched = request.outputs.parent / "download"
    _download(url, str(request.params["sha256"]), fetched)
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


class _OnlyHttp(urllib.request.HTTPRedirectHandler):
    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        """Judge where it leads before the base class does, whose words are its own."""
        target = urllib.parse.urljoin(req.full_url, headers.get("Location") or "")
        if urllib.parse.urlsplit(target).scheme not in ("http", "https"):
            raise Invalid(f"'{req.full_url}' redirects to '{target}', which is no web address", "source.url")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _download(url: str, expected: str, target: Path) -> None:
    sha256 = hashlib.sha256()
    with target.open("wb") as file:
        for chunk in _chunks(url):
            sha256.update(chunk)
            file.write(chunk)
    if sha256.hexdigest() != expected:
        raise Invalid(
            f"what '{url}' gives has the SHA-256 {sha256.hexdigest()}, not the one that the spec names",
            "source.sha256",
            "if the new content is right, write its hash here",
        )


def _chunks(url: str) -> Iterator[bytes]:
    """The body of the answer; a break in it is an error, not an end."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _OnlyHttp(),
    ):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "tflite-build")]
    got = 0
    try:
        response: HTTPResponse = opener.open(url, timeout=_TIMEOUT)
        with response:
            while chunk := response.read(1 << 20):
                got += len(chunk)
                yield chunk
            length = response.headers.get("Content-Length")
            if length and got != int(length):
                raise EngineError(Problem(f"'{url}' broke off after {got} of {length} bytes", hint="build again"))
    except urllib.error.HTTPError as error:
        if "redirect error" in error.reason:
            raise Invalid(f"'{url}' redirects without an end", "source.url") from None
        answer = f"'{url}' answers {error.code} {error.reason}"
        if error.code >= 500:
            raise EngineError(Problem(answer, hint="the server fails; build again later")) from None
        raise Invalid(answer, "source.url", "open the address in a browser, and check it letter by letter") from None
    except IncompleteRead as error:
        raise EngineError(
            Problem(f"'{url}' broke off after {got + len(error.partial)} bytes", hint="build again")
        ) from None
    except (ValueError, InvalidURL) as error:
        raise Invalid(f"'{url}' is no address: {error}", "source.url") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        shown = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
        raise EngineError(
            Problem(f"cannot fetch '{url}': {shown}", hint="check the address and the network, then build again")
        ) from None
