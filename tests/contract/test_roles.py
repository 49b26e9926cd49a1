"""Every route of every service asks for a role, not only for a token."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from unittest.mock import MagicMock

import pytest
from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.runtime.auth import require
from shared.runtime.persons import Role


def asked(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from asked(below)


def roleless(router: APIRouter) -> list[str]:
    """The routes that anybody with any token may use."""
    role = require().__qualname__
    routes = [each for each in router.routes if isinstance(each, APIRoute)]
    assert routes
    return [each.path for each in routes if not any(getattr(call, "__qualname__", "") == role for call in asked(each.dependant))]


@pytest.mark.parametrize("service", ["intake", "outreach", "referral", "reporting"])
def test_every_route_asks_for_a_role(service: str) -> None:
    router = import_module(f"services.{service}.routes").routes(MagicMock())
    assert roleless(router) == []


def test_a_route_without_a_role_is_found() -> None:
    router = APIRouter()

    @router.get("/open", dependencies=[Depends(lambda: None)])
    async def _open() -> None: ...

    @router.get("/closed", dependencies=[Depends(require(Role.CLERK))])
    async def _closed() -> None: ...

    assert roleless(router) == ["/open"]
