"""Every request to VBR is counted and timed, under its server."""

import pytest

from bot.observability import Metrics
from bot.sandbox.vbr import VbrSandbox
from bot.veeam import Unreachable, VeeamServer
from tests.rooms.veeam.clients import ASKING_ONCE, connection_to, die
from tests.support.clock import FakeClock


def counted(metrics: Metrics) -> dict[str, float]:
    """How many requests of each outcome were counted."""
    return {
        sample.labels["outcome"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "veeam_bot_veeam_requests_total"
    }


async def test_answers_and_failures_are_counted(vbr: VbrSandbox, clock: FakeClock) -> None:
    """An answer counts by its status, a failure by its kind; the login is a request too."""
    metrics = Metrics()
    async with VeeamServer(
        connection_to(vbr), clock=clock, read_retries=ASKING_ONCE, metrics=metrics
    ) as server:
        await server.job_states()
        assert counted(metrics) == {"2xx": 2}
        await die(vbr)
        with pytest.raises(Unreachable):
            await server.job_states()
    assert counted(metrics)["2xx"] == 2
    assert sum(counted(metrics).values()) >= 3
