"""An ordered outbox and sequenced parking for batches: PostgreSQL on one side, Kafka on the other.

It knows services, topics, keys and sequences, and nothing of what the events are about.
"""
