"""The one place that stops an unforeseen exception: it is logged with its traceback, and goes no further."""

from collections.abc import Awaitable

import structlog

log = structlog.get_logger()


async def contained(work: Awaitable[None], event: str, **facts: object) -> bool:
    """Await the work; what it raises is logged under `event` with the facts. False when it raised."""
    try:
        await work
    except Exception:
        log.exception(event, **facts)
        return False
    return True
