"""Become another program that ends when its parent ends, as another user if asked.

Run as a script by `deploy.local.processes`, between the fork and the program itself, with the standard library alone:
`leash.py PARENT SIGNAL USER PROGRAM [ARGUMENT ...]`, where USER is `uid:gid` or `-`. The process id stays the same.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, parting_signal: int, user: str, program: list[str]) -> None:
    """Drop the rights, tie this process to its parent, replace it by the program.

    Raises OSError where the kernel refuses one of them.
    """
    if user != "-":
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.chdir("/")  # the folder we were called in may be closed to that user
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job starts with SIGINT ignored
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, parting_signal, 0, 0, 0) != 0:  # after setuid, which clears it
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
