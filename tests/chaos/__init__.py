"""Faults on purpose: a whole system under load and under fire, and a checker of its own that compares what came of it."""
