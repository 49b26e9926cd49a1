"""The whole system on one machine without Docker: PostgreSQL, a Kafka-protocol broker and the services as processes."""
