"""Run intake: `python -m services.intake`."""

from services.intake.app import build
from shared.runtime.process import run

if __name__ == "__main__":
    run(build)
