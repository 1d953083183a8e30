"""One person with many questions holds up nobody else, however slow VBR is."""

from pathlib import Path

from bot.sandbox.vbr.faults import slow
from tests.acceptance.rig import PROD, START, Rig, Setting

STATES = "/api/v1/jobs/states"
QUESTIONS, VBR_SECONDS = 300, 1.5
ALWAYS = 1_000_000


async def test_many_questions_of_one_person_hold_up_nobody(tmp_path: Path) -> None:
    """A colleague's question, a start and a completion come while hardly any of the many was asked."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod", run_seconds=3600)
        ended = rig.world.add_job("Files")
        await rig.start()
        rig.vbr.faults.add("GET", STATES, slow(VBR_SECONDS), times=ALWAYS)
        vic = rig.slack.person("vic")
        for _ in range(QUESTIONS):
            assert (await vic.types(PROD, "jobs")).shown == "ok"
        session = rig.world.finish_run(ended, result="Success", seconds=9)
        await rig.slack.person("ann").types(PROD, "start SQL Prod")
        await rig.slack.person("ben").types(PROD, "jobs")
        await rig.until(lambda: any("SQL Prod" in text for text in rig.whispers("ben")))
        await rig.until(lambda: rig.sent("POST", START, job) == 1)
        await rig.until(lambda: rig.told()[session.id] == 1)
        assert rig.sent("GET", STATES) < QUESTIONS / 3
        told = [text for text in rig.whispers("vic") if "questions in progress; wait" in text]
        assert len(told) > QUESTIONS / 2
        assert len(rig.events("operations.too_many")) < len(told) / 2
        assert not rig.rows("SELECT * FROM audit WHERE outcome = 'refused'")
        assert await rig.ends() == 0
