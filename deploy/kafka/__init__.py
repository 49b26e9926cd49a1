"""Apache Kafka for a city: what the catalogue asks of a cluster, who may do what on it, and nodes to try it out on."""
