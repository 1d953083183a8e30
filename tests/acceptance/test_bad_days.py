"""One failing part stays one failing part, and what was missed is told once it is back."""

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import World
from bot.sandbox.vbr.accounts import Account
from tests.acceptance.rig import BACKUPS, PROD, START, Rig, Setting, now


def two_servers() -> Setting:
    return Setting(polling_seconds=0.2, others=(World(now, name="lab", seed=2),))


def said(rig: Rig, words: str) -> list[str]:
    """The messages of the channels that say this."""
    return [message.text for message in rig.everything() if words in message.text]


async def test_a_server_that_is_down_at_the_start_and_returns(tmp_path: Path) -> None:
    """The other goes on; the silence is told once, the return once, and what was missed, marked late."""
    async with Rig(tmp_path, two_servers()) as rig:
        lab = rig.setting.others[0]
        await rig.vbrs["lab"].go_dark()
        await rig.bot.start()
        await rig.until_part("hq", ok=True)
        await rig.until_part("lab", ok=False)
        await rig.until_part("slack", ok=True)
        told = rig.world.finish_run(rig.world.add_job("SQL Prod"), result="Success", seconds=9)
        missed = lab.finish_run(
            lab.add_job("Lab job"), result="Failed", seconds=9, ended_at=now() - timedelta(minutes=10)
        )
        await rig.until(lambda: rig.told()[told.id])
        listed = await rig.asks("ann", "jobs")
        assert "SQL Prod" in listed
        assert "lab" in listed
        await rig.until(lambda: said(rig, "has not answered since"))
        await rig.vbrs["lab"].come_back()
        await rig.until(lambda: rig.told()[missed.id])
        await rig.until(lambda: said(rig, "is responding again"))
        assert rig.told() == {told.id: 1, missed.id: 1}
        (late,) = [text for text in said(rig, "Lab job") if "ended" in text]
        assert "announced late" in late
        assert {len(said(rig, "has not answered since")), len(said(rig, "is responding again"))} == {2}
        await rig.until_ready()
        assert "Traceback" not in rig.log


async def test_a_server_that_goes_down_later(tmp_path: Path) -> None:
    """What ends there meanwhile is told once it is back; the other's sessions are told meanwhile."""
    async with Rig(tmp_path, two_servers()) as rig:
        await rig.start()
        lab = rig.setting.others[0]
        job = lab.add_job("Lab job")
        await rig.vbrs["lab"].go_dark()
        missed = lab.finish_run(job, result="Failed", seconds=9)
        await rig.until(lambda: said(rig, "has not answered since"))
        status, _ = await rig.get("readyz")
        assert status == 503
        here = rig.world.finish_run(rig.world.add_job("SQL Prod"), result="Success", seconds=9)
        await rig.until(lambda: rig.told()[here.id])
        assert "lab" in await rig.asks("ann", "status")
        await rig.vbrs["lab"].come_back()
        await rig.until(lambda: rig.told()[missed.id])
        await rig.until_ready()
        assert rig.told() == {here.id: 1, missed.id: 1}


async def test_a_refused_password_is_told_and_does_not_lock_the_account(tmp_path: Path) -> None:
    """The bot goes on without that server, and asks rarely enough that VBR does not lock the account."""
    async with Rig(tmp_path, two_servers()) as rig:
        lab = rig.vbrs["lab"]
        right = lab.behaviour.accounts[0]
        lab.accounts.add(Account(right.username, "another", right.roles))
        await rig.bot.start()
        await rig.until(lambda: said(rig, "has not answered since"))
        await rig.until_part("hq", ok=True)
        assert "credentials" in " ".join(said(rig, "has not answered since")).lower()
        tries = lab.requests.of("POST", "/api/oauth2/token")
        assert 1 <= len(tries) < 5
        assert "made-up" not in rig.log
        assert right.password not in " ".join(said(rig, "lab"))


async def test_vbr_tokens_that_die_are_renewed_without_a_word(tmp_path: Path) -> None:
    """A restart of the backup service costs nobody anything."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        await rig.start()
        rig.world.add_job("SQL Prod")
        rig.vbr.accounts.revoke_all_tokens()
        assert "SQL Prod" in await rig.asks("ann", "jobs")
        rig.vbr.accounts.expire_access_tokens()
        assert "SQL Prod" in await rig.asks("ann", "jobs")
        assert (await rig.get("readyz"))[0] == 200


@pytest.mark.parametrize(
    ("variable", "token"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-made-up"),
        ("SLACK_APP_TOKEN", "xapp-made-up"),
        ("SLACK_BOT_TOKEN", "xoxp-made-up"),
    ],
)
async def test_a_wrong_token_ends_the_start_with_one_clear_line(
    tmp_path: Path, variable: str, token: str
) -> None:
    """Exit code 1 (2 where the settings tell already), one line that says what is wrong, and no traceback."""
    async with Rig(tmp_path, Setting(environment={variable: token})) as rig:
        await rig.bot.start()
        ended = await rig.bot.died()
        assert ended.status == (2 if token.startswith("xoxp") else 1)
        wrong = [line for line in rig.log.splitlines() if '"level": "error"' in line or "SLACK_" in line]
        assert len(wrong) == 1
        assert "invalid_auth" in wrong[0] or variable in wrong[0]
        assert "Traceback" not in rig.log
        assert token not in rig.log


async def test_a_token_revoked_later_keeps_the_outbox(tmp_path: Path) -> None:
    """Not ready, nothing lost; started again with a good token, the bot tells what waits."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        await rig.start()
        rig.slack.faults.revoke_tokens()
        ended = rig.world.finish_run(rig.world.add_job("SQL Prod"), result="Success", seconds=9)
        await rig.until_part("slack:token", ok=False)
        assert (await rig.get("readyz"))[0] == 503
        assert rig.waiting() == 1
        rig.slack.faults.restore_tokens()
        assert await rig.ends() == 0
        await rig.start()
        await rig.until(lambda: rig.told()[ended.id])
        assert rig.told() == {ended.id: 1}


async def test_a_channel_without_the_bot_is_reported_in_the_default_channel(tmp_path: Path) -> None:
    """Its completions wait; once the bot is invited, a restart is enough to have them told."""
    toml = '[[routes]]\nchannel = "C0RANDOM"\nresults = ["Success"]\n'
    async with Rig(tmp_path, Setting(toml=toml, polling_seconds=0.2)) as rig:
        await rig.start()
        ended = rig.world.finish_run(rig.world.add_job("SQL Prod"), result="Success", seconds=9)
        await rig.until(lambda: said(rig, "The bot can't post to <#C0RANDOM>"))
        rig.slack.workspace.conversations.join("C0RANDOM", rig.slack.workspace.app.bot_user)
        await rig.ends()
        await rig.start()
        await rig.until(lambda: rig.told()[ended.id])
        assert len(rig.slack.messages(BACKUPS)) == 1


@pytest.mark.timeout(90)
async def test_a_locked_database_costs_an_answer_and_no_session(tmp_path: Path) -> None:
    """Another process writes for a while: actions are refused clearly, questions answered, nothing lost."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod")
        await rig.start()
        with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ended = rig.world.finish_run(job, result="Success", seconds=9)
            assert "SQL Prod" in await rig.asks("ann", "jobs")
            await rig.slack.person("ann").types(PROD, "start SQL Prod")
            broken = "The bot's own database did not answer."
            await rig.until(lambda: any(broken in text for text in rig.whispers("ann")), 40)
            await rig.until_part("outbox", ok=False)
            other.execute("ROLLBACK")
        await rig.until(lambda: rig.told()[ended.id])
        await rig.until_ready()
        assert rig.told() == {ended.id: 1}
        assert rig.sent("POST", START) == 0
        assert "Traceback" not in rig.log


@pytest.mark.timeout(90)
async def test_a_deleted_database_file_is_the_database_s_fault(tmp_path: Path) -> None:
    """`readyz` and `status` name the file and what to do; the servers stay well. Put back, all goes on."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod")
        await rig.start()
        (tmp_path / "bot.db").rename(tmp_path / "away.db")
        await rig.until_part("database", ok=False)
        ready = await rig.ready()
        assert "was deleted while the bot was running: put the file back" in ready["database"]["detail"]
        assert ready["servers"]["hq"]["ok"] is True
        assert "The bot's own database does not" in await rig.asks("ann", "status")
        ended = rig.world.finish_run(job, result="Success", seconds=9)
        (tmp_path / "away.db").rename(tmp_path / "bot.db")
        await rig.until_ready()
        await rig.until(lambda: rig.told()[ended.id])
        assert rig.told() == {ended.id: 1}
        assert "Traceback" not in rig.log


@pytest.mark.timeout(90)
async def test_a_full_disk_is_the_database_s_fault_until_it_has_room(tmp_path: Path) -> None:
    """`readyz` and `status` say so; the servers stay well, and what ended is told once it can be written."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        job = rig.world.add_job("SQL Prod")
        await rig.start()
        with no_room_for(rig):
            await rig.until_part("database", ok=False)
            ended = rig.world.finish_run(job, result="Success", seconds=9)
            ready = await rig.ready()
            assert "make room on its disk" in ready["database"]["detail"]
            assert ready["servers"]["hq"]["ok"] is True
            assert "The bot's own database does not work" in await rig.asks("ann", "status")
        await rig.until_ready()
        await rig.until(lambda: rig.told()[ended.id])
        assert rig.told() == {ended.id: 1}
        assert "Traceback" not in rig.log


@contextmanager
def no_room_for(rig: Rig) -> Iterator[None]:
    """Let no file of the bot grow beyond its write-ahead log as it is now, which is the largest of them."""
    with closing(sqlite3.connect(rig.folder / "bot.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE filling AS SELECT zeroblob(2000000)")
    room = (rig.folder / "bot.db-wal").stat().st_size
    process = rig.bot._process
    assert process is not None
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


async def test_slacks_connection_is_refreshed_cut_and_made_anew(tmp_path: Path) -> None:
    """Slack refreshes connections, and networks cut them: a command is answered after each."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        rig.world.add_job("SQL Prod")
        await rig.start()
        mode = rig.slack.socket_mode
        for end in (mode.disconnect("refresh_requested"), mode.disconnect("link_disabled"), _cut(rig)):
            known = [connection.number for connection in mode.connections]
            await end
            await rig.until(partial(_is_new, rig, known))
            assert "SQL Prod" in await rig.asks("ann", "jobs")


def _is_new(rig: Rig, known: list[int]) -> bool:
    connections = rig.slack.socket_mode.connections
    return bool(connections) and all(connection.number not in known for connection in connections)


async def _cut(rig: Rig) -> None:
    rig.slack.socket_mode.cut()


async def test_two_processes_on_one_database(tmp_path: Path) -> None:
    """Started together: each session is told once, each command is answered once, each action done once."""
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as rig:
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.start())
            group.create_task(rig.second_bot())
        await rig.until(lambda: len(rig.slack.socket_mode.connections) == 4)
        jobs = [rig.world.add_job(f"Job {number}", objects=["vm01"]) for number in range(6)]
        ended = [rig.world.finish_run(job, result="Success", seconds=9) for job in jobs]
        for _ in range(6):
            before = len(rig.whispers("ann"))
            assert "Job 3" in await rig.asks("ann", "job Job 3")
            assert len(rig.whispers("ann")) == before + 1
        root = await _failure(rig)
        first, _ = await rig.slack.person("ann").presses_twice(root, "Retry")
        await first.redeliver()
        await rig.until(lambda: sum("already" in text for text in rig.whispers("ann")) == 2)
        await rig.until(lambda: set(rig.told()) >= {session.id for session in ended})
        await rig.until(lambda: said(rig, "Retry of"))
        assert set(rig.told().values()) == {1}
        assert rig.sent("POST", "/api/v1/jobs/{id}/retry") == 1


async def _failure(rig: Rig) -> Message:
    job = rig.world.add_job("Failing", objects=["vm01"], run_seconds=3600)
    session = rig.world.finish_run(job, result="Failed", objects={"vm01": "Disk full"}, seconds=9)
    await rig.until(lambda: rig.told()[session.id])
    return next(each for each in rig.slack.messages(PROD) if "Failing" in each.text)
