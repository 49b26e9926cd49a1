"""The secrets that docker-compose.yml names, made once: `python -m deploy.compose.secrets`.

The folder is closed to other users. The files in it are not, because a container's user is none of this machine's and
reads them through the mount; a file that exists is never changed, because the databases remember the first password.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.system import MUENSTER, SERVICES, persons
from shared.city import load_city
from shared.runtime.persons import make_token, write_persons

FOLDER = Path(__file__).parents[1] / "secrets"
KAFKA, POSTGRES = "127.0.0.1:9094", "127.0.0.1:5432"
"""Where docker-compose.yml publishes them."""


def write_secrets(folder: Path) -> None:
    """Write what is missing: passwords, data sources, data key, persons with their tokens, the command line's environment."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    _once(folder / ".gitignore", "*\n")
    _once(folder / "postgres_password", secrets.token_urlsafe(24))
    _once(folder / "grafana_password", secrets.token_urlsafe(24))
    _once(folder / "data_key", secrets.token_hex(32))
    passwords = {service: _once(folder / f"{service}_password", secrets.token_urlsafe(24)) for service in SERVICES}
    for service, password in passwords.items():
        _once(folder / f"{service}_dsn", f"postgresql://{service}:{password}@postgres:5432/{service}")
    _once(folder / "environment", _environment(passwords), mode=0o600)
    _persons(folder)


def _once(path: Path, text: str, mode: int = 0o644) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
    return path.read_text(encoding="utf-8")


def _environment(passwords: Mapping[str, str]) -> str:
    """What `bleibe` on this machine needs to speak to the containers, for a shell to read."""
    lines = [f"export BLEIBE_BOOTSTRAP_SERVERS={KAFKA}"]
    lines += [
        f"export BLEIBE_{service.upper()}_DSN=postgresql://{service}:{password}@{POSTGRES}/{service}"
        for service, password in passwords.items()
    ]
    return "\n".join(lines) + "\n"


def _persons(folder: Path) -> None:
    """Everybody of the city's data; hashes for the services, tokens in clear for the persons."""
    if (folder / "persons.json").exists():
        return
    made = [(person, *make_token()) for person in persons(load_city(MUENSTER))]
    (folder / "tokens.json").unlink(missing_ok=True)
    _once(folder / "tokens.json", json.dumps({person.id: token for person, token, _ in made}, indent=2), mode=0o600)
    write_persons(folder / "persons.json", [(person, digest) for person, _, digest in made])
    (folder / "persons.json").chmod(0o644)


if __name__ == "__main__":
    write_secrets(FOLDER)
    sys.stdout.write(f"secrets are in {FOLDER}; tokens.json holds each person's token in clear\n")
