"""Read a city's folder of data, such as deploy/muenster."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.city.model import Caseworker, City, Data, Partner, Provider, QuarterRow, SampledAddress, Street, Team


class CityDataError(Exception):
    """A file of the city's data is missing or wrong; the message names the file and the place in it."""


def load_city(folder: Path) -> City:
    """Read a city's folder: city.toml, districts, streets and addresses as csv, teams, caseworkers, partners, providers as json.

    Raises:
        CityDataError: a file is missing or wrong.
    """
    head = _parsed(folder / "city.toml", tomllib.loads)
    parts: dict[str, Any] = {
        "quarters": _rows(folder / "districts.csv", QuarterRow),
        "streets": _read(folder / "streets.csv", tuple[Street, ...], map(_street, _table(folder / "streets.csv"))),
        "sampled": _rows(folder / "addresses.csv", SampledAddress),
        "teams": _file(folder / "teams.json", tuple[Team, ...]),
        "caseworkers": _file(folder / "caseworkers.json", _Staff).caseworkers,
        "partners": _file(folder / "partners.json", tuple[Partner, ...]),
        "providers": _providers(folder / "providers.json"),
    }
    return _read(folder / "city.toml", City, {**head, **parts})


class _Staff(Data):
    note: str
    caseworkers: tuple[Caseworker, ...]


def _street(row: dict[str, str]) -> dict[str, Any]:
    known = {"district": row.get("district") or None, "basis": row.get("basis") or None}
    return {**row, **known, "numbers": (row.get("numbers") or "").split()}


def _providers(path: Path) -> tuple[Provider, ...]:
    """Providers from HSDS 3.0 organizations and services; what HSDS has no field for stands under `bleibe`."""
    hsds = _parsed(path, json.loads)
    try:
        ids = {org["id"]: org["bleibe"]["provider_id"] for org in hsds["organizations"]}
        services = [
            {
                **service["bleibe"],
                "name": service["name"],
                "provider": ids[service["organization_id"]],
                "active": service["status"] == "active",
                "languages": [language["code"] for language in service["languages"]],
            }
            for service in hsds["services"]
        ]
        providers = [
            {
                "id": org["bleibe"]["provider_id"],
                "name": org["name"],
                "kind": org["bleibe"]["kind"],
                "services": [service for service in services if service["provider"] == org["bleibe"]["provider_id"]],
            }
            for org in hsds["organizations"]
        ]
    except (KeyError, TypeError) as error:
        raise CityDataError(f"{path}: organizations and services need {error}") from error
    return _read(path, tuple[Provider, ...], providers)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CityDataError(f"{path}: cannot be read as UTF-8 text") from error


def _parsed(path: Path, parse: Any) -> Any:  # noqa: ANN401  json.loads and tomllib.loads return what the file holds
    try:
        return parse(_text(path))
    except ValueError as error:
        raise CityDataError(f"{path}: {error}") from error


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_text(path).splitlines()))


M = TypeVar("M")


def _rows(path: Path, model: type[M]) -> tuple[M, ...]:
    return _read(path, tuple[model, ...], _table(path))  # type: ignore[valid-type]  # the row model is an argument


def _file(path: Path, kind: type[M]) -> M:
    return _read(path, kind, _parsed(path, json.loads))


def _read(path: Path, kind: type[M], data: Any) -> M:  # noqa: ANN401  what a file holds is anything
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CityDataError(f"{path}: {where}: {first['msg']}") from error
