"""Free ports on this machine, and who listens on them."""

import random
import socket
from itertools import islice
from pathlib import Path

import psutil

LOOPBACK = "127.0.0.1"
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """One of `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many TCP ports on the loopback address, no two alike, that nobody listens on now.

    They lie below the ports the kernel gives to outgoing connections: a client that keeps calling a stopped server could
    otherwise be given the server's own port, talk to itself and keep the server from coming back.

    Raises OSError where no more are free.
    """
    lowest_ephemeral = int(EPHEMERAL_RANGE.read_text().split()[0]) if EPHEMERAL_RANGE.exists() else 49152
    candidates = range(10240, lowest_ephemeral) if lowest_ephemeral > 12288 else range(10240, 65536)
    free = list(islice(filter(_can_listen, random.sample(candidates, k=min(len(candidates), count + 500))), count))
    if len(free) == count:
        return free
    raise OSError("no free port on 127.0.0.1; end some of the programs that listen there and try again")


def listens(pid: int, port: int) -> bool:
    """Whether this very process listens on the port: an answer alone could come from somebody else's program."""
    try:
        connections = psutil.Process(pid).net_connections("tcp4")
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)


def _can_listen(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers themselves do
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
