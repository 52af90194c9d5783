"""Plain HTTPS to the endpoints of OAuth, which are no part of the API: no redirects, no surprises."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from chancery_client._version import __version__
from chancery_client.cli.failures import ExitCode, Failure, WrongUsage

_PATIENCE_SECONDS = 30.0
_LONGEST_ANSWER = 1_000_000


def open_http(*, ca_bundle: str = "", client_cert: str = "", client_key: str = "") -> httpx.Client:
    """Raises WrongUsage where a file of certificates or keys cannot be used."""
    context = tls_context(ca_bundle=ca_bundle, client_cert=client_cert, client_key=client_key)
    headers = {"User-Agent": f"chancery-client-python/{__version__} (command line)", "Accept": "application/json"}
    return httpx.Client(verify=context, headers=headers, timeout=_PATIENCE_SECONDS, follow_redirects=False)


def tls_context(*, ca_bundle: str, client_cert: str, client_key: str) -> ssl.SSLContext:
    """Whom to believe, and who one is. Raises WrongUsage."""
    try:
        context = ssl.create_default_context(cafile=ca_bundle or None)
    except (OSError, ssl.SSLError) as error:
        raise WrongUsage(f"The CA bundle {ca_bundle} cannot be used: {_reason(error)}.") from error
    if client_cert:
        try:
            context.load_cert_chain(client_cert, client_key or None, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            files = f"{client_cert} and {client_key}" if client_key else client_cert
            raise WrongUsage(f"The client certificate in {files} cannot be used: {_reason(error)}.") from error
    return context


def get_json(http: httpx.Client, url: str) -> tuple[int, dict[str, Any]]:
    return _asked(http, httpx.Request("GET", url), url)


def post_json(http: httpx.Client, url: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    return _asked(http, httpx.Request("POST", url, json=dict(body)), url)


def post_form(http: httpx.Client, url: str, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    return _asked(http, httpx.Request("POST", url, data=dict(fields)), url)


def _asked(http: httpx.Client, request: httpx.Request, url: str) -> tuple[int, dict[str, Any]]:
    """Status and document; an empty one where the answer is no JSON object. Raises Failure: no answer came."""
    built = http.build_request(request.method, request.url, content=request.content, headers=_type_of(request))
    try:
        answer = http.send(built, stream=True)
        with contextlib.closing(answer):
            content = _read(answer)
    except httpx.HTTPError as error:
        raise Failure(unreachable(url, error), code=ExitCode.TRY_LATER) from error
    try:
        document = json.loads(content or b"{}")
    except ValueError:
        document = {}
    return answer.status_code, document if isinstance(document, dict) else {}


def _read(answer: httpx.Response) -> bytes:
    """What was answered; nothing, where that is longer than what these endpoints have to say."""
    content = b""
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > _LONGEST_ANSWER:
            return b""
    return content


def unreachable(url: str, error: BaseException) -> str:
    """One sentence on why nobody answered, without what stands in the address but its host."""
    host = httpx.URL(url).netloc.decode("ascii", "replace")
    text = str(error).strip()
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"The certificate of {host} is not trusted by this machine; if a CA of your own has issued it, "
            "name that CA's file with --ca-bundle or CHANCERY_CA_BUNDLE."
        )
    if "WRONG_VERSION_NUMBER" in text:
        return f"{host} answers, but does not speak TLS: is its address http://{host}?"
    return f"{host} does not answer: {text or type(error).__name__}."


def _type_of(request: httpx.Request) -> dict[str, str]:
    found = request.headers.get("Content-Type")
    return {"Content-Type": found} if found else {}


def _no_password() -> str:
    """Instead of OpenSSL's own question on the terminal, which a timer could never answer."""
    raise ValueError("the key is encrypted")


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
