"""`make kafka NODES=3`: Apache Kafka on this machine until Ctrl-C, then forgotten."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from deploy.cli.output import fail
from deploy.local.kafka import NoKafkaError, jars
from deploy.local.supervisor import Local, StartError


def serve(nodes: int) -> None:
    """Start so many nodes in a folder of their own and say where they are."""
    print("getting Apache Kafka's jars, once ...", flush=True)
    jars()
    with tempfile.TemporaryDirectory(prefix="bleibe-kafka-") as folder, Local(Path(folder), durable=False) as local:
        print(f"starting {nodes} ...", flush=True)
        local.start_kafka(nodes)
        print(f"  BLEIBE_BOOTSTRAP_SERVERS={local.running.bootstrap}\nCtrl-C stops and forgets it.", flush=True)
        local.wait()


if __name__ == "__main__":
    if sys.argv[1:] not in (["1"], ["3"]):
        fail("one node or three: make kafka NODES=3")
    try:
        serve(int(sys.argv[1]))
    except (NoKafkaError, StartError) as error:
        fail(str(error))
