"""Many failures of one channel at once: one message that counts them, and each is announced exactly once."""

from collections.abc import Sequence

import pytest

from bot.sandbox.vbr.estate import RepositoryFacts, add_repository
from bot.sandbox.vbr.faults import refusing
from bot.sandbox.vbr.jobmodels import daily
from bot.slack.views.announcements import announcement
from bot.store import Outbox, OutboxRow, OwnAction, OwnActions, PostedMessage
from bot.watch import facts
from bot.watch.facts import Announcement
from tests.rooms.watch.site import Site, of_kind, route_to, rules

FULL = "There is not enough space on the disk. Failed to write data to the file [D:\\Backup\\{}.vbk]."
NO_LOGIN = "Access is denied. Failed to log on as {}."
PROD, ALL = "C0PROD", "C0ALL"


@pytest.fixture
async def stormy(site: Site) -> Site:
    """A watch that makes one message of five failures, and has seen the server once."""
    site.begin(rules(storm_from=5))
    await site.poll()
    return site


def fail(site: Site, *names: str, cause: str = FULL) -> None:
    for name in names:
        site.ended(name, "Failed", objects={f"vm-{name}": cause.format(name)})


def roots(told: Sequence[tuple[str, Announcement]]) -> list[str]:
    return [each.run.job_name for each in of_kind(told, facts.RunEnded)]


async def test_what_is_found_together_is_one_message(stormy: Site) -> None:
    """Its causes are counted, and its list has every job; none has a root of its own."""
    fail(stormy, "A", "B", "C", "D")
    fail(stormy, "E", cause=NO_LOGIN)
    await stormy.poll_after()
    told = await stormy.poll_after(2)
    (storm,) = of_kind(told, facts.StormBegan)
    (listed,) = of_kind(told, facts.StormList)
    assert roots(told) == []
    assert (storm.storm.count, storm.storm.failed) == (5, 5)
    often, once = storm.storm.causes
    assert (often.count, once.count) == (4, 1)
    assert often.text in {FULL.format(name) for name in "ABCD"}
    assert once.text == NO_LOGIN.format("E")
    assert often.name == "Repository full"
    assert sorted(one.job_name for one in listed.failures) == ["A", "B", "C", "D", "E"]


async def test_log_backups_are_not_retried(stormy: Site) -> None:
    """`Retry all` counts and names the jobs without them, and says so; other buttons take them in."""
    fail(stormy, "A", "B", "C", "D", "E")
    for name in ("A", "B"):
        stormy.world.session(str(stormy.world.job(name).session_id)).type = "SqlLogBackup"
    await stormy.poll_after()
    told = await stormy.poll_after(2)
    (storm,) = of_kind(told, facts.StormBegan)
    dialogs = {
        element["text"]["text"]: (element["confirm"]["title"]["text"], element["confirm"]["text"]["text"])
        for block in announcement(storm, "key").blocks
        for element in block.get("elements", ())
        if "confirm" in element
    }
    assert [dialogs[label][0] for label in dialogs] == [
        "Retry 3 jobs?",
        "Acknowledge 5 jobs?",
        "Mute 5 jobs?",
    ]
    retry = dialogs["Retry all"][1]
    assert "2 failed log backups left out." in retry
    assert {name for name in "ABCDE" if f"*{name}*" in retry} == set("CDE")
    (listed,) = of_kind(told, facts.StormList)
    assert announcement(listed, "key").text.count("Log backup failed") == 2


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("Tape library is offline", "Host is unreachable"),
        ("License has expired", "Host is unreachable"),
        ("VSS writer failed", None),
    ],
)
async def test_a_name_is_no_cause(stormy: Site, name: str, cause: str | None) -> None:
    """What jobs, machines and folders are called decides nothing."""
    for number in range(5):
        said = f"Failed to open [D:\\VSS error\\proxy\\{name}.vbk]. Job '{name}' failed. {cause or ''}"
        stormy.ended(f"{name} {number}", "Failed", objects={name: said})
    await stormy.poll_after()
    (storm,) = of_kind(await stormy.poll_after(2), facts.StormBegan)
    assert [(one.name, one.count) for one in storm.storm.causes] == [(cause and "Host unreachable", 5)]


async def test_each_repository_is_a_trouble_of_its_own(stormy: Site) -> None:
    """Jobs of two full repositories have no cause in common, though VBR says the same of them."""
    other = add_repository(
        stormy.world.book, RepositoryFacts("Repo-3", "WinLocal", 100, 0.4, "repo03", "D:\\3")
    )
    own = stormy.world.book.repositories[stormy.world.default_repository_id]
    own.free_gb = 0.2
    for name in "DEF":
        stormy.world.add_job(name, repository_id=other.id)
    fail(stormy, *"ABCDEF", "G")
    await stormy.poll_after()
    (storm,) = of_kind(await stormy.poll_after(2), facts.StormBegan)
    assert [(one.name, one.count, one.repository) for one in storm.storm.causes] == [
        ("Repository full", 4, own.name),
        ("Repository full", 3, "Repo-3"),
    ]
    assert "All of them" not in announcement(storm, "key").text


SPACE = "/api/v1/backupInfrastructure/repositories/states"


async def test_the_repository_that_they_share(stormy: Site) -> None:
    """Its cause says where all of them write to and how much is free there, for one request a storm."""
    repository = stormy.world.book.repositories[stormy.world.default_repository_id]
    repository.free_gb = 0.2
    stormy.requests()
    fail(stormy, *"ABCDEFGH")
    await stormy.poll_after()
    (storm,) = of_kind(await stormy.poll_after(2), facts.StormBegan)
    assert f"({repository.name}, 204.8 MB free)" in announcement(storm, "key").text
    assert stormy.requests().count(SPACE) == 1


async def test_space_that_vbr_does_not_tell(stormy: Site) -> None:
    """The storm is told all the same, with the repository alone."""
    repository = stormy.world.book.repositories[stormy.world.default_repository_id]
    stormy.vbr.faults.add("GET", SPACE, refusing(500), times=99)
    fail(stormy, *"ABCDE")
    await stormy.poll_after()
    (storm,) = of_kind(await stormy.poll_after(2), facts.StormBegan)
    assert f"({repository.name})" in announcement(storm, "key").text


async def test_below_the_limit_each_has_its_root(stormy: Site) -> None:
    """Four are no storm."""
    fail(stormy, "A", "B", "C", "D")
    told = await stormy.poll_after()
    assert sorted(roots(told)) == ["A", "B", "C", "D"]
    assert of_kind(told, facts.StormBegan) == []


async def test_what_was_posted_before_stays(stormy: Site) -> None:
    """Three have roots; with three more within the window these three are a storm, and say so."""
    fail(stormy, "A", "B", "C")
    first = await stormy.poll_after()
    fail(stormy, "D", "E", "F")
    await stormy.poll_after()
    second = await stormy.poll_after(2)
    assert sorted(roots(first)) == ["A", "B", "C"]
    assert roots(second) == []
    (storm,) = of_kind(second, facts.StormBegan)
    assert (storm.storm.count, storm.storm.earlier) == (3, 3)


async def test_failures_far_apart_are_no_storm(stormy: Site) -> None:
    """One every two minutes fills no window of one."""
    told = []
    for name in "ABCDEFG":
        fail(stormy, name)
        told += await stormy.poll_after(120)
    assert sorted(roots(told)) == list("ABCDEFG")


async def test_a_storm_grows_and_shrinks_in_place(stormy: Site) -> None:
    """Later failures and recoveries change its message and its list, and post nothing."""
    fail(stormy, *"ABCDE")
    await stormy.poll_after()
    await stormy.poll_after(2)
    fail(stormy, "F")
    grown = await stormy.poll_after()
    stormy.ended("A", "Success")
    shrunk = await stormy.poll_after()
    assert [one.storm.count for one in of_kind(grown, facts.StormChanged)] == [6]
    (changed,) = of_kind(shrunk, facts.StormChanged)
    assert (changed.storm.recovered, changed.storm.failed) == (1, 5)
    (listed,) = of_kind(shrunk, facts.StormList)
    assert [one.state for one in listed.failures if one.job_name == "A"] == ["recovered"]
    failed = [each for each in stormy.world.book.sessions.values() if each.result == "Failed"]
    assert {one.session_id for one in listed.failures} == {each.id for each in failed}
    assert roots(grown) == []
    assert not of_kind(shrunk, facts.RunChanged)


async def test_attempts_are_told_by_its_message_alone(site: Site) -> None:
    """While retries are due nobody is mentioned; once a failure is final, the thread does, once."""
    site.begin(rules(route_to(PROD, mention="S0ONCALL"), default_channel=None, storm_from=5))
    for name in "ABCDE":
        site.world.add_job(name, schedule=daily("03:00", retries=2))
    await site.poll()
    fail(site, *"ABCDE")
    await site.poll_after()
    (began,) = of_kind(await site.poll_after(2), facts.StormBegan)
    assert (began.mention, began.storm.retrying) == (None, 5)
    told = await site.poll_after(3600)
    assert [one.mention for one in of_kind(told, facts.StormFinal)] == ["S0ONCALL"]
    assert not of_kind(told, facts.NoFurtherAttempt)
    assert of_kind(told, facts.StormChanged)[-1].storm.retrying == 0


async def test_the_list_shows_the_attempt_that_failed_last(site: Site) -> None:
    """Of a run that recovered too: that session says why it failed."""
    site.begin(rules(storm_from=5))
    for name in "ABCDE":
        site.world.add_job(name, schedule=daily("03:00", retries=3))
    await site.poll()
    fail(site, *"ABCDE")
    await site.poll_after()
    await site.poll_after(2)
    await site.clock.advance(600)
    again = site.ended("A", "Failed")
    await site.poll_after(600)
    site.ended("A", "Success")
    (listed,) = of_kind(await site.poll_after(), facts.StormList)
    (one,) = [each for each in listed.failures if each.job_name == "A"]
    assert (one.state, one.session_id) == ("recovered", again)


async def test_many_are_taken_to_be_retried(site: Site) -> None:
    """Of most failures of a storm VBR is not asked how it retries them: nobody is mentioned too early."""
    site.begin(rules(route_to(PROD, mention="S0ONCALL"), default_channel=None, storm_from=5))
    names = [f"Job {number:02}" for number in range(30)]
    for name in names:
        site.world.add_job(name, schedule=daily("03:00", retries=2))
    await site.poll()
    fail(site, *names)
    await site.poll_after()
    (began,) = of_kind(await site.poll_after(2), facts.StormBegan)
    assert (began.mention, began.storm.count, began.storm.retrying) == (None, 30, 30)


async def test_each_channel_counts_for_itself(site: Site) -> None:
    """Two failures of one channel keep their roots there, though they are part of a storm elsewhere."""
    wanted = (route_to(ALL), route_to(PROD, jobs=["SQL*"]))
    site.begin(rules(*wanted, default_channel=None, storm_from=5))
    await site.poll()
    fail(site, "A", "B", "C", "SQL 1", "SQL 2")
    told = [*await site.poll_after(), *await site.poll_after(2)]
    assert [(channel, one.storm.count) for channel, one in told if isinstance(one, facts.StormBegan)] == [
        (ALL, 5)
    ]
    assert sorted(
        (channel, one.run.job_name) for channel, one in told if isinstance(one, facts.RunEnded)
    ) == [(PROD, "SQL 1"), (PROD, "SQL 2")]


@pytest.mark.parametrize(("mention", "mentioned"), [("U0ANN", None), ("S0ONCALL", "S0ONCALL")])
async def test_nobody_is_mentioned_for_runs_of_their_own(
    site: Site, mention: str, mentioned: str | None
) -> None:
    """Who started all that failed knows of it."""
    site.begin(rules(route_to(ALL, mention=mention), default_channel=None, storm_from=5))
    await site.poll()
    actions = OwnActions(site.database)
    for name in "ABCDE":
        session_id = site.ended(name, "Failed")
        (job,) = (one for one in site.world.jobs if one.name == name)
        await actions.remember(
            OwnAction("hq", job.id, session_id, "start", "U0ANN", "C0ELSEWHERE", "k7q2", site.clock.now())
        )
    told = [*await site.poll_after(), *await site.poll_after(2)]
    (storm,) = of_kind(told, facts.StormBegan)
    assert storm.mention == mentioned


async def test_many_are_one_root_and_a_few_replies(stormy: Site) -> None:
    """Three hundred failures: one root, at most five replies, and VBR is asked why about a few."""
    for number in range(300):
        fail(stormy, f"Job {number:03}")
    stormy.requests()
    told = [*await stormy.poll_after(), *await stormy.poll_after(2)]
    tasks = [asked for asked in stormy.requests() if "taskSessions" in asked]
    (storm,) = of_kind(told, facts.StormBegan)
    lists = of_kind(told, facts.StormList)
    assert storm.storm.count == 300
    assert len(lists) <= 5
    assert sum(len(one.failures) for one in lists) + sum(one.left_out for one in lists) == 300
    assert len(tasks) <= 25
    assert roots(told) == []


async def test_what_comes_after_it_is_not_held_up(stormy: Site) -> None:
    """Beside a large storm the channel's next root waits for a few messages, however many recover."""
    stormy.begin(rules(route_to(ALL), default_channel=None, storm_from=5))
    names = [f"Job {number:03}" for number in range(120)]
    fail(stormy, *names)
    await stormy.watch.tick()
    await stormy.clock.advance(2)
    outbox, sent = Outbox(stormy.database), list[OutboxRow]()

    async def send() -> None:
        """One message: Slack takes one a second."""
        for row in await outbox.claim("sender", stormy.clock.now(), 60, 100):
            await outbox.sent(row.id, PostedMessage(row.channel, f"{row.id}.0"), stormy.clock.now())
            sent.append(row)

    await send()
    assert [row.kind for row in sent] == ["storm"]
    await stormy.clock.advance(120)
    for name in names[:40]:
        stormy.ended(name, "Success")
    fail(stormy, "Files")
    await stormy.watch.tick()
    for _ in range(10):
        await send()
    assert [row.root_key for row in sent if row.kind == "run_ended"] == [None]


async def test_after_an_hour_it_takes_no_more(stormy: Site) -> None:
    """A night of failures does not hide in one old message."""
    fail(stormy, *"ABCDE")
    told = await stormy.poll_after()
    for number in range(74):
        fail(stormy, f"Job {number}")
        told += await stormy.poll_after(50)
    assert len(of_kind(told, facts.StormBegan)) == 1
    assert roots(told) == ["Job 72", "Job 73"]
