"""Bringing a file from its web address, and making sure that it is the one that was meant."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse, IncompleteRead, InvalidURL
from pathlib import Path
from typing import IO, Any

from tflite_build.engines.contract import Invalid
from tflite_build.errors import EngineError, Problem

_TIMEOUT = 60


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


def download(url: str, expected: str, target: Path) -> None:
    """Write what `url` gives to `target`, if its SHA-256 is `expected`.

    Raises:
        Invalid: If it is not, or the address is wrong; with the key of model.toml to blame.
        EngineError: If the network or the server fails.
    """
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
