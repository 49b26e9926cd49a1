"""What travels between the services and the outside world: topics, events, field classes. The one truth."""
