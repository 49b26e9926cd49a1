"""Runs the referral service: ``python -m services.referral``."""

from services.referral.app import build
from shared.runtime.process import run

if __name__ == "__main__":
    run(build)
