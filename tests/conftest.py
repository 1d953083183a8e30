"""What holds for all tests: where they write, the order of slow ones, and what is spared."""

import gc
import os
import shutil
import tempfile
from itertools import groupby, islice
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# A busy machine is no fault of an example's: pytest's time-out bounds each test.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# What a failing test logged is read seldom, and written hundreds of thousands of times: without colours.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
)

# Nothing that a test writes outlives the machine: in memory, a commit need not wait for a disk.
_MEMORY, _NEEDED = Path("/dev/shm"), 4 * 1024**3  # noqa: S108 -- whatever is put there has a random name
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _NEEDED:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

_SLOW = (
    "tests/acceptance/",
    "tests/rooms/operations/test_approved_once.py",
    "tests/rooms/slack/test_clocks.py",
    "tests/rooms/slack/test_delivery.py",
    "tests/rooms/watch/test_exactly_once.py",
    "tests/rooms/watch/test_ninety_days.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the slow modules to the workers, and let each have done its own well before the end.

    A slow test that came last would be waited for by workers that have nothing left to take over. Most of a
    slow test is waiting, so it goes on beside quick ones. Which worker has a module, and the order of the
    modules and within them, stay to chance.
    """
    modules = [list(group) for _, group in groupby(items, lambda item: item.path)]
    slow = [module for module in modules if module[0].nodeid.startswith(_SLOW)]
    quick = [item for module in modules if not module[0].nodeid.startswith(_SLOW) for item in module]
    workers, dealt, ordered = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), 0, list[pytest.Item]()
    for number in range(workers):
        own = slow[number::workers]
        end = (
            len(items) * (number + 1) // workers
        )  # as many for each worker, which is how they are handed out
        size = max(0, end - len(ordered) - sum(map(len, own)))
        own_quick, dealt = iter(quick[dealt : dealt + size]), dealt + size
        for module in own:
            ordered += module
            ordered += islice(own_quick, size * 3 // 5 // len(own))
        ordered += own_quick
    items[:] = ordered + quick[dealt:]


def pytest_collection_finish() -> None:
    """Keep the collected tests, which stay to the end, out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()
