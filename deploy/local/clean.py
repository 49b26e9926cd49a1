"""`python3 -m deploy.local.clean` removes the data folder with its databases, unless a system runs from it."""

import shutil
import sys

from deploy.local.folder import LOCK, POSTGRES, FolderInUseError, default_folder, held
from deploy.local.outside import remove


def main() -> None:
    """Remove the data folder. Exits with a message where it is in use or not one of ours."""
    data = default_folder()
    if not (data / LOCK).exists():
        return
    try:
        with held(data):
            remove(data, POSTGRES)
            shutil.rmtree(data)
    except FolderInUseError as error:
        sys.exit(f"not removed: {error}")


if __name__ == "__main__":
    main()
