"""Certificates for a day, signed by an authority made up for the test."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Signed:
    """A server's private key (PKCS 8) and certificate, by themselves and in one file."""

    key: Path
    certificate: Path
    both: Path


@dataclass(frozen=True)
class Authority:
    """Signs servers' certificates; clients trust `certificate`."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    def sign(self, address: str) -> Signed:
        """A server's, good for this IP address alone."""
        made = Signed(*(self.folder / f"{address}.{kind}" for kind in ("key", "pem", "both")))
        ours = ["-CA", str(self.certificate), "-CAkey", str(self.folder / "authority.key")]
        _make(made.key, made.certificate, "server", *ours, "-addext", f"subjectAltName=IP:{address}")
        made.both.write_text(made.key.read_text() + made.certificate.read_text())
        return made


def authority(folder: Path) -> Authority:
    """A new one, in a folder of its own."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT CHECKED: TLS, because openssl is not on this machine")
    folder.mkdir()
    made = Authority(folder)
    _make(folder / "authority.key", made.certificate, "authority")
    return made


def _make(key: Path, certificate: Path, name: str, *more: str) -> None:
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, "-subj", f"/CN={name}", "-days", "1", *files, *more], check=True, capture_output=True
    )
