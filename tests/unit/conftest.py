"""What tests of intake's decisions share."""

from __future__ import annotations

import pytest

from tests.unit.intake_office import Office


@pytest.fixture
def office() -> Office:
    """Intake in memory, before it has heard of anybody."""
    return Office.open()
