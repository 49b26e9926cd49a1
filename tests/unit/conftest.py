"""Unit tests run on shared machines: a property is judged by its answers, not by its milliseconds."""

from hypothesis import settings

settings.register_profile("bleibe", deadline=None)
settings.load_profile("bleibe")
