"""Run reporting: `python -m services.reporting`."""

from services.reporting.app import build
from shared.runtime.process import run

if __name__ == "__main__":
    run(build)
