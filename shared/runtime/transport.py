"""What may travel unencrypted: nothing that leaves this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit


def open_hosts(hosts: Collection[str], private: Collection[str] = ()) -> list[str]:
    """Those of the hosts that are reached over a network. `private` are names in a network of this machine alone.

    Raises:
        ValueError: a private name has a dot: it could be anybody's.
    """
    if any("." in name or ":" in name for name in private):
        raise ValueError("a private host is a name without a dot, known in a container network of this machine alone")
    return [host for host in hosts if not _here(host) and host not in private]


def kafka_hosts(bootstrap: str) -> list[str]:
    """The hosts of `host:port`, several separated by commas."""
    return [each.strip().rpartition(":")[0].strip("[]") for each in bootstrap.split(",")]


def require_verified(dsn: str, private: Collection[str] = ()) -> None:
    """Let a PostgreSQL address pass that stays on this machine or checks whom it speaks to.

    Raises:
        ValueError: it does neither; the message says what to add and nothing of the address.
    """
    parts = urlsplit(dsn)
    asked = parse_qs(parts.query)
    named = [*parts.netloc.rpartition("@")[2].split(","), *(host for each in asked.get("host", ()) for host in each.split(","))]
    if not any(named) or "service" in asked:  # else the environment or a file could name any server
        raise ValueError("PostgreSQL's address names no host: write it as postgresql://user@host:port/database")
    hosts = [_without_port(each) for each in named if each and not each.startswith("/")]
    if open_hosts(hosts, private) and asked.get("sslmode") != ["verify-full"]:
        raise ValueError(
            "PostgreSQL is reached over a network: add ?sslmode=verify-full&sslrootcert=<file> to its address, with the "
            "certificate of the authority that signed the server's"
        )


def _without_port(named: str) -> str:
    return named[1:].partition("]")[0] if named.startswith("[") else named.partition(":")[0]


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
