"""Where PostgreSQL's files go when root's data folder is closed to other users, as below /root. Standard library only."""

import hashlib
import shutil
import stat
from pathlib import Path

OUTSIDE = Path("/var/lib/bleibe")


def folder_of(data: Path, name: str) -> Path:
    """`data/name` where every user may pass through `data`, else a folder below /var/lib/bleibe with a link to it there.

    A folder outside whose link is gone belonged to a data folder that was deleted, and is emptied.
    Raises RuntimeError where the data folder was moved or copied, since its link then points at another one's files.
    """
    link = data / name
    if link.is_symlink() and link.readlink() != _outside(data):
        raise RuntimeError(
            f"{data} was moved or copied from elsewhere; its database stayed in {link.readlink()}. Move it back, or "
            "set BLEIBE_DATA to another folder."
        )
    if link.is_symlink() or not all(path.stat().st_mode & stat.S_IXOTH for path in (data, *data.parents)):
        outside = _outside(data)
        if not link.is_symlink():
            shutil.rmtree(outside, ignore_errors=True)
        for folder in (OUTSIDE, outside):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)
        if not link.is_symlink():
            link.symlink_to(outside)
        return outside
    return link


def remove(data: Path, name: str) -> None:
    """Remove `data/name`, wherever it is."""
    link = data / name
    if link.is_symlink():
        if link.readlink() == _outside(data):
            shutil.rmtree(_outside(data), ignore_errors=True)
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)


def _outside(data: Path) -> Path:
    return OUTSIDE / hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
