"""Which process this is, and whether another one is gone, so that a restart waits for nobody's locks."""

import os
import secrets
import socket
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES = Path("/proc/self/ns/pid")


def process_name() -> str:
    """Return a name that no other process has had, saying where it runs."""
    return f"{_where()}:{os.getpid()}:{secrets.token_hex(4)}"


def is_gone(name: str) -> bool:
    """Tell whether the process of that name surely runs no more.

    Only for processes that were numbered as this one is (the same boot and the same process namespace);
    about any other nothing is known, and False is answered.
    """
    where, _, rest = name.partition(":")
    number = rest.partition(":")[0]
    if where != _where() or not _BOOT_ID.exists() or not number.isdigit():
        return False
    # A name other than ours under our own number is an earlier process's.
    return int(number) == os.getpid() or not Path(f"/proc/{number}").exists()


def _where() -> str:
    host = socket.gethostname().replace(":", "-")
    if not _BOOT_ID.exists():
        return host
    return f"{host}/{_BOOT_ID.read_text().strip()[:8]}/{_PROCESSES.stat().st_ino}"
