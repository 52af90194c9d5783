"""The two clients are one, but for how they wait."""

from __future__ import annotations

import inspect
import typing

import pytest
from fakes import KEY, Server, answer

import chancery_client
from chancery_client import AsyncChanceryClient, ChanceryClient, models, pages, streams
from chancery_client.api import AsyncResource, Resource

ADDRESS = "https://pki.example.com"
CLIENT, OTHER = ChanceryClient(ADDRESS, KEY), AsyncChanceryClient(ADDRESS, KEY)
RESOURCES = sorted(name for name, value in vars(CLIENT).items() if isinstance(value, Resource))


def methods(resource: object) -> list[str]:
    return [name for name in vars(type(resource)) if not name.startswith("_")]


def test_they_have_the_same_resources() -> None:
    assert len(RESOURCES) > 30
    assert sorted(name for name, value in vars(OTHER).items() if isinstance(value, AsyncResource)) == RESOURCES


@pytest.mark.parametrize("name", RESOURCES)
def test_they_have_the_same_methods(name: str) -> None:
    one, other = getattr(CLIENT, name), getattr(OTHER, name)
    assert methods(one) == methods(other)
    for method in methods(one):
        here, there = inspect.signature(getattr(one, method)), inspect.signature(getattr(other, method))
        assert here.parameters == there.parameters
        assert there.return_annotation.removeprefix("Async") == here.return_annotation


@pytest.mark.parametrize("name", RESOURCES)
def test_their_annotations_mean_something(name: str) -> None:
    for resource in (getattr(CLIENT, name), getattr(OTHER, name)):
        module = inspect.getmodule(type(resource))
        for method in methods(resource):
            found = typing.get_type_hints(getattr(resource, method), {**vars(module), "list": list})
            result = typing.get_origin(found["return"]) or found["return"]
            known = (pages.Pages, pages.AsyncPages, streams.Lines, streams.AsyncLines, bytes, str, type(None))
            assert result in known or issubclass(result, models.Model)


def test_everything_that_is_promised_can_be_imported() -> None:
    assert all(hasattr(chancery_client, name) for name in chancery_client.__all__)


def test_a_client_ends_with_its_block() -> None:
    with ChanceryClient(ADDRESS, KEY) as client:
        http = client._driver.http
    assert http.is_closed


def test_an_async_client_ends_with_its_block() -> None:
    import asyncio

    async def use() -> bool:
        async with AsyncChanceryClient(ADDRESS, KEY) as client:
            http = client._driver.http
        return http.is_closed

    assert asyncio.run(use())


def test_the_example_of_the_readme_runs() -> None:
    import httpx
    from fakes import ISSUED

    server = Server(answer(ISSUED, 201), httpx.Response(200, content=b"-----BEGIN CERTIFICATE-----"))
    client = ChanceryClient(base_url=ADDRESS, api_key=KEY, transport=httpx.MockTransport(server))
    cert = client.certificates.issue(template_code="web-tls", common_name="www.acme.com", sans=["www.acme.com"])
    assert (cert.serial, cert.not_after.year) == ("3F:A1:B2:C3", 2026)
    assert client.certificates.download(cert.id, fmt="pem").startswith(b"-----BEGIN")
    assert server.requests[1].url.params["fmt"] == "pem"
