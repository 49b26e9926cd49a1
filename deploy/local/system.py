"""The whole system on one machine: PostgreSQL, broker, the four services as four processes, tokens, clock."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.local.folder import Running
from deploy.local.ports import LOOPBACK, free_port, free_ports
from deploy.local.processes import Process
from deploy.local.supervisor import Local
from shared.city import City, load_city
from shared.runtime.persons import Person, Role, make_token, write_persons

SERVICES = ("intake", "outreach", "referral", "reporting")
MUENSTER = Path(__file__).parents[1] / "muenster"
PERSONS, TOKENS, DATA_KEY, CLOCK, SPANS = "persons.json", "tokens.json", "data.key", "clock", "spans"
_PASSED_ON = ("BLEIBE_OTLP_ENDPOINT", "BLEIBE_SAMPLE_RATIO", "BLEIBE_BATCH_MAX_RECORDS")


def start_system(local: Local, *, services: tuple[str, ...] = SERVICES) -> Running:
    """Start everything, wait until it is ready, and note where it is. A broker that runs already is taken, else the embedded one.

    A folder in which a demo has played keeps the demo's clock; all others go by the wall clock.
    """
    clock = str(local.data / CLOCK) if (local.data / CLOCK).exists() else "wall"
    city = load_city(MUENSTER)
    local.start_postgres()
    local.ensure_databases(SERVICES)
    if local.running.bootstrap is None:
        local.start_broker()
    _secrets(local.data, city)
    processes = []
    for service, port in zip(services, free_ports(len(services)), strict=True):
        local.publish(service, f"http://{LOOPBACK}:{port}")
        processes.append(_process(local.running, service, port, clock))
    local.start(*processes)
    return local.running


def start_another(local: Local, service: str, *, clock: str = "wall") -> str:
    """Start one more process of a service beside the one that runs; its process's name. More load is more processes."""
    if local.running.bootstrap is None:
        raise RuntimeError("start the system first")
    port = free_port()
    beside = _process(local.running, service, port, clock, name=f"{service}-{port}")
    local.start(beside)
    return beside.name


def service_environment(running: Running, service: str, port: int, clock: str, instance: str) -> dict[str, str]:
    """The environment of a service process of a local system; `instance` is the process's own name."""
    data = Path(running.data)
    dsn_file = data / f"{service}.dsn"
    _private(dsn_file, running.databases[service])
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TZ", *_PASSED_ON}}
    return (
        kept
        | _broker_environment(running, instance)
        | _access_environment(running, service)
        | {
            "BLEIBE_DATABASE_DSN_FILE": str(dsn_file),
            "BLEIBE_BOOTSTRAP_SERVERS": str(running.bootstrap),
            "BLEIBE_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "BLEIBE_GRACE_S": "5",  # the supervisor waits for 20 s in all
            "BLEIBE_HTTP_PORT": str(port),
            "BLEIBE_TOKENS_FILE": str(data / PERSONS),
            "BLEIBE_DATA_KEY_FILE": str(data / DATA_KEY),
            "BLEIBE_CLOCK": clock,
            "BLEIBE_SPANS_DIR": str(data / SPANS),
        }
    )


def _broker_environment(running: Running, instance: str) -> dict[str, str]:
    if running.kafka_nodes:
        return {"BLEIBE_KAFKA_REPLICATION": str(min(3, running.kafka_nodes)), "BLEIBE_INSTANCE": instance}
    # The embedded broker has no idempotent producer, looks only now and then whether something came, and lets a static
    # member wait longer.
    return {"BLEIBE_KAFKA_IDEMPOTENT": "false", "BLEIBE_KAFKA_FETCH_WAIT_MS": "20"}


def _access_environment(running: Running, service: str) -> dict[str, str]:
    if running.kafka_passwords is None:
        return {}
    signed_in = {"BLEIBE_KAFKA_USER": service, "BLEIBE_KAFKA_PASSWORD_FILE": str(Path(running.kafka_passwords) / service)}
    return signed_in | ({"BLEIBE_KAFKA_CA_FILE": running.kafka_ca} if running.kafka_ca else {})


def tokens(data: Path) -> dict[str, str]:
    """The personal tokens of a local system in clear, by person id."""
    known: dict[str, str] = json.loads((data / TOKENS).read_text())
    return known


def persons(city: City) -> Iterator[Person]:
    """Everybody the city's data names, and one person each for the desk roles."""
    for caseworker in city.caseworkers:
        yield Person(caseworker.id, frozenset({Role.CASEWORKER}), team=caseworker.team, caseworker_id=caseworker.id)
    for team in city.teams:
        yield Person(f"leitung-{team.id}", frozenset({Role.TEAM_LEAD}), team=team.id)
    for partner in city.partners:
        yield Person(f"partner-{partner.id}", frozenset({Role.PARTNER}), source=partner.ce_source)
    yield Person("sachbearbeitung", frozenset({Role.CLERK}))
    yield Person("datenschutz", frozenset({Role.PRIVACY}))
    yield Person("betrieb", frozenset({Role.OPERATOR}))
    yield Person("berichte", frozenset({Role.REPORTING_READER}))
    yield Person("alle-seiten", frozenset(set(Role) - {Role.PARTNER, Role.CASEWORKER}))


def _process(running: Running, service: str, port: int, clock: str, name: str | None = None) -> Process:
    name = name or service
    return Process(
        name,
        [sys.executable, "-m", f"services.{service}"],
        service_environment(running, service, port, clock, name),
        ready=f"http://{LOOPBACK}:{port}/health/ready",
    )


def _secrets(data: Path, city: City) -> None:
    """Tokens, their hashes and the key of keyed hashes, made at the first start."""
    (data / SPANS).mkdir(exist_ok=True)
    if not (data / DATA_KEY).exists():
        _private(data / DATA_KEY, secrets.token_hex(32))
    everybody = list(persons(city))
    if (data / TOKENS).exists() and tokens(data).keys() == {person.id for person in everybody}:
        return
    made = [(person, *make_token()) for person in everybody]
    write_persons(data / PERSONS, [(person, digest) for person, _, digest in made])
    _private(data / TOKENS, json.dumps({person.id: clear for person, clear, _ in made}, indent=2))


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
