"""The same services and brokers as the messaging contract."""

from tests.contract.messaging.conftest import broker, mortal, mortal_broker, other_database, reader, writer

__all__ = ["broker", "mortal", "mortal_broker", "other_database", "reader", "writer"]
