"""What tests need from npm: installed once, kept for later runs."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from shared.contracts.publish import ROOT

CACHE = ROOT / ".cache" / "npm"
INSTALL = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--silent"]


def installed(package_json: Path) -> Path | None:
    """The `node_modules` of this file; None where npm could not get them. Whoever is done first keeps them for all."""
    wanted = package_json.read_bytes()
    place = CACHE / hashlib.sha256(wanted).hexdigest()[:12]
    if not place.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            (Path(folder) / "package.json").write_bytes(wanted)
            try:
                subprocess.run(INSTALL, cwd=folder, capture_output=True, timeout=90, check=True)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                return None
            try:
                Path(folder).rename(place)
            except OSError:
                if not place.is_dir():  # else another process was first
                    raise
    return place / "node_modules"
