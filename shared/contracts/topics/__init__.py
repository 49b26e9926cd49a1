"""One module a topic or family: the events that travel on it."""
