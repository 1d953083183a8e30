from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from bot.operations.outcomes import Streak
from bot.operations.queries.jobs import ListJobs
from bot.slack.views import status_text
from bot.slack.views.jobs import jobs
from bot.slack.views.runs import run_root
from bot.slack.views.why import why as why_view
from bot.veeam import SESSION_TYPES, SessionGroup
from bot.veeam.revisions import REVISIONS
from bot.watch.run_facts import JobOutlook
from tests.unit.slack import samples


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (None, ""),
        ("", ""),
        (" Failed ", ""),
        ("success", ""),
        ("Warning", ""),
        ("None", ""),
        ("Failed to freeze guest", "`Failed to freeze guest`"),
        ("<!channel>", "`&lt;!channel&gt;`"),
    ],
)
def test_a_message_that_only_repeats_the_result_is_not_shown(message: str | None, shown: str) -> None:
    """VBR puts the result's own word where a message is missing; a person needs it once."""
    assert status_text.own_words(message) == shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("VSphereBackup", "VMware backup"),
        ("vspherebackup", "VMware backup"),
        ("Backup", "VMware backup"),
        ("BackupJob", "Backup"),
        ("<NewKind>", "&lt;NewKind&gt;"),
        ("", ""),
    ],
)
def test_types_are_named_in_words(name: str, words: str) -> None:
    """In whatever letters VBR writes them; an unknown one is shown as it is."""
    assert status_text.type_name(name) == words


def test_every_type_has_a_name() -> None:
    """What a team may read of: the types of jobs and of all sessions but housekeeping."""
    jobs = {kind for revision in REVISIONS.values() for kind in revision.job_types}
    told = (names for group, names in SESSION_TYPES.items() if group is not SessionGroup.HOUSEKEEPING)
    shown = {kind: status_text.type_name(kind) for kind in jobs.union(*told)}
    assert {kind for kind, words in shown.items() if words == kind} == {"SureBackup", "Failover", "Failback"}


@pytest.mark.parametrize(
    ("failed", "is_longer", "said"),
    [
        (1, False, ""),
        (1, True, ""),
        (3, False, "3rd failure in a row"),
        (12, True, "more than 12 failures in a row"),
    ],
)
def test_a_streak_has_one_name(failed: int, said: str, *, is_longer: bool) -> None:
    """In the message about a run, in lists and in the answer to why."""
    view = replace(samples.job_view(), streak=Streak(failed, is_longer=is_longer))
    why = replace(samples.why_answer(), streak=view.streak)
    outlook = JobOutlook(failed_in_a_row=failed, is_longer=is_longer)
    run = msgspec.structs.replace(samples.run(is_final=True), outlook=outlook)
    for text in (status_text.job_line(view), why_view(why).text, run_root(run).text):
        assert (said in text) if said else ("in a row" not in text)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (1, "hour"),
        (24, "24 hours"),
        (26, "26 hours"),
        (24 * 7, "7 days"),
        (0.5, "30 minutes"),
        (1.5, "1 h 30 min"),
        (25.5, "1 d 01 h"),
        (50.5, "2 d 02 h"),
    ],
)
def test_a_time_span_is_said_in_words(hours: float, said: str) -> None:
    """As people ask for it."""
    assert status_text.in_the_last(timedelta(hours=hours)) == f"in the last {said}"


@pytest.mark.parametrize(
    ("word", "shown"),
    [("SourceProxy", "Bottleneck: Source proxy"), ("Odd", "Bottleneck: Odd"), ("NotDefined", ""), (None, "")],
)
def test_bottlenecks_are_named_in_words(word: str | None, shown: str) -> None:
    """An unknown one is shown as it is; none is none."""
    assert status_text.bottleneck(word) == shown


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("VSphereBackup", "Jobs · of type VMware backup"),
        ("vmware backup", "Jobs · of type VMware backup"),
        ("Backup-Copy", "Jobs · of type Backup copy"),
        ("agent", "Jobs · of type agent"),
    ],
)
def test_a_list_is_headed_by_its_type_in_words(typed: str, shown: str) -> None:
    """Not as VBR spells it; a part of one is shown as it was typed."""
    assert jobs(samples.jobs_answer(request=ListJobs(job_type=typed))).blocks[0]["text"]["text"] == shown


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("<Not scheduled>", "not scheduled"),
        ("<As new restore points appear>", "as new restore points appear"),
        ("After [SQL <Prod>]", "`After [SQL &lt;Prod&gt;]`"),
        ("<!here>", "`&lt;!here&gt;`"),
        ("", "not planned"),
    ],
)
def test_why_no_run_is_planned(policy: str, said: str) -> None:
    """VBR's placeholders are words; what else it says is quoted."""
    state = msgspec.structs.replace(samples.job_state(), next_run_policy=policy)
    assert status_text.unplanned(state) == said
