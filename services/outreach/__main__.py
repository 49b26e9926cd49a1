"""Run outreach: `python -m services.outreach`."""

from services.outreach.app import build
from shared.runtime.process import run

if __name__ == "__main__":
    run(build)
