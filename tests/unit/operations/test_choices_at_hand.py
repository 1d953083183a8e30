"""Objects that menus offered to somebody: whoever names one by its key gets it only if they may see it."""

from hypothesis import given
from hypothesis import strategies as st

from bot.operations.job_editor.objects import JobObjects
from bot.operations.model import Visibility
from bot.settings import GrantSettings, GroupReference, Role, ServerName
from bot.veeam import JobObject, Source
from tests.support.clock import FakeClock

HQ = ServerName("hq")
NAMES = st.lists(st.sampled_from(["SQL", "SQL Prod", "sql", "Files", "Payroll", "SQ", ""]), max_size=6)


def seen_by(*globs: str) -> Visibility:
    grant = GrantSettings(group=GroupReference("S0A"), role=Role.BACKUP_ADMINISTRATOR, jobs=globs)
    return Visibility((grant,))


@given(
    offered=NAMES,
    forged=st.lists(st.text(max_size=20), max_size=3),
    glob=st.sampled_from(["SQL*", "F*", "x"]),
)
def test_no_key_brings_up_a_job_out_of_sight(offered: list[str], forged: list[str], glob: str) -> None:
    """Whatever keys are sent: what others were offered stays theirs."""
    objects, visibility = JobObjects(FakeClock()), seen_by(glob)
    jobs = [JobObject.of_job(f"{number}", name, "VSphereBackup") for number, name in enumerate(offered)]
    for job in jobs:
        objects._offered[HQ, Source.JOBS, job.key] = job
    keys = [*(job.key for job in jobs), *forged]
    found = objects.at_hand(HQ, Source.JOBS, keys, (), visibility)
    assert set(found) == {job.key for job in jobs if visibility.sees(HQ, job.name)}


def test_what_one_kind_of_job_takes_is_not_at_hand_for_another() -> None:
    """Nor on another server."""
    objects, visibility = JobObjects(FakeClock()), seen_by("*")
    job = JobObject.of_job("1", "SQL", "VSphereBackup")
    objects._offered[HQ, Source.JOBS, job.key] = job
    assert objects.at_hand(HQ, Source.VSPHERE, [job.key], (), visibility) == {}
    assert objects.at_hand(ServerName("dr"), Source.JOBS, [job.key], (), visibility) == {}
    assert objects.at_hand(HQ, Source.JOBS, [job.key], (), visibility) == {job.key: job}
