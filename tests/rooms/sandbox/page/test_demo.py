import asyncio
import json
import signal
import socket
import ssl
import sys
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bot.sandbox.demo import Demo, run_demo
from bot.sandbox.process import BotDied, inherited
from bot.sandbox.vbr import seeded_world
from bot.sandbox.vbr.seed import LIVELY, Seeding
from bot.settings import ExpectationSettings, PollingSettings, RouteSettings, ServerName
from bot.veeam import RepositoryState, SessionGroup
from bot.watch import WatchRules
from bot.watch import expectations as judging
from bot.watch.routing import Completion

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[Demo]:
    async with Demo() as made:
        yield made


async def test_the_bot_accepts_the_settings_that_the_demo_writes(demo: Demo) -> None:
    """The demo's bot is set up by environment and file alone, in the form of any deployment."""
    shown = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "config"),
        env=demo.bot_env,
        cwd=demo.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    settings, complaint = await shown.communicate()
    assert (shown.returncode, complaint) == (0, b"")
    for text in (demo.slack.api_url, *(card.url for card in demo.cards), "C0BACKUPS", "S0TAPEOPERATORS"):
        assert text in settings.decode()


@pytest.mark.parametrize("hour", [3, 12, 21])
async def test_left_alone_its_channel_stays_quiet(demo: Demo, hour: int) -> None:
    """In half an hour at most twelve runs are announced in #prod, and no success."""
    file = Path(demo.bot_env["VEEAM_BOT_CONFIG"])
    given = tomllib.loads(await asyncio.to_thread(file.read_text, encoding="utf-8"))
    routes = tuple(RouteSettings.model_validate(route) for route in given["routes"])
    rules = WatchRules(routes, given["slack"]["default_channel"], PollingSettings())
    announced: list[str] = []
    for site in demo.vbrs:
        begun = now = datetime(2026, 11, 23, hour, 17, tzinfo=UTC)
        world = seeded_world(lambda: now, site, Seeding(pace=LIVELY, await_minutes=1))  # noqa: B023 -- the clock
        while now < begun + timedelta(minutes=30):
            now += timedelta(seconds=5)
            world.tick()
        for session in world.book.sessions.values():
            job = world.book.jobs.get(session.job_id)
            if job is None or session.ended_at is None or not begun < session.ended_at <= now:
                continue
            ended = Completion(ServerName(site), job.name, session.type, SessionGroup.JOB_RUN, session.result)
            where = rules.route(ended).destinations
            announced += [session.result for each in where if each.channel == "C0PROD"]
    assert 1 <= len(announced) <= 12
    assert "Success" not in announced


async def test_left_alone_one_repository_is_told_to_run_full(demo: Demo) -> None:
    """Of what the demo expects, one thing is not met from the start, and it is told outside #prod."""
    file = Path(demo.bot_env["VEEAM_BOT_CONFIG"])
    given = tomllib.loads(await asyncio.to_thread(file.read_text, encoding="utf-8"))
    expected = [ExpectationSettings.model_validate(each) for each in given["expectations"]]
    rule = judging.server_rules(expected, "hq")[judging.Kind.REPOSITORY]
    assert rule.channel == "C0BACKUPS"
    states = [
        RepositoryState(id=each.id, name=each.name, capacity_gb=each.capacity_gb, free_gb=each.free_gb)
        for each in demo.vbrs["hq"].world.book.repositories.values()
        if each.is_online
    ]
    now = demo.vbrs["hq"].world.now()
    unmet = [judging.judge_repository(each, (), rule, now, stands=False) for each in states]
    assert [each.name for each in unmet if each is not None] == ["Hardened repository 01"]


async def test_other_clients_can_use_the_servers_with_what_the_demo_tells(demo: Demo) -> None:
    """Address, user, password and the certificate's fingerprint are true, for both servers."""
    assert [card.name for card in demo.cards] == ["hq", "branch"]
    async with aiohttp.ClientSession(headers={"x-api-version": "1.3-rev0"}) as session:
        for card in demo.cards:
            pin = aiohttp.Fingerprint(bytes.fromhex(card.fingerprint))
            login = {"grant_type": "password", "username": card.username, "password": card.password}
            async with session.post(f"{card.url}/api/oauth2/token", data=login, ssl=pin) as answer:
                assert answer.status == 200


async def test_the_servers_certificate_is_verified_by_the_file_in_the_settings(demo: Demo) -> None:
    """Each server has a CA of its own; the other one's does not do."""
    contexts = [
        ssl.create_default_context(cafile=demo.folder / name / "127.0.0.1-ca.pem") for name in demo.vbrs
    ]
    async with aiohttp.ClientSession(headers={"x-api-version": "1.3-rev0"}) as session:
        async with session.get(f"{demo.cards[0].url}/api/v1/serverTime", ssl=contexts[0]) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{demo.cards[0].url}/api/v1/serverTime", ssl=contexts[1])


async def test_slack_installs_the_bot_by_its_own_manifest(demo: Demo) -> None:
    """A scope that the manifest forgets is missing in the demo, as it would be in a real workspace."""
    printed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "manifest", "--pictures"), stdout=asyncio.subprocess.PIPE
    )
    manifest, _ = await printed.communicate()
    assert all(scope in manifest.decode() for scope in demo.slack.workspace.app.scopes)


async def test_the_page_names_every_role_and_every_fault(demo: Demo) -> None:
    """A newcomer finds people of the five roles, and what can be broken."""
    async with aiohttp.ClientSession() as session, session.get(demo.page_url) as answer:
        text = await answer.text()
    boot = json.loads(text.split('id="boot">')[1].split("</script>")[0])
    assert boot["people"][0] == "U0ANN"
    assert sorted(set(boot["roles"].values())) == [
        "Veeam Backup Administrator",
        "Veeam Backup Operator",
        "Veeam Backup Viewer",
        "Veeam Restore Operator",
        "Veeam Tape Operator",
    ]
    assert {"U0GUS", "U0FAY", "U0NIA"} <= set(boot["people"]) - boot["roles"].keys()
    assert [server["name"] for server in boot["servers"]] == ["hq", "branch"]


@pytest.mark.parametrize("fault", ["dark-hq", "slow-branch"])
async def test_a_server_fault_ends_when_it_is_switched_off(demo: Demo, fault: str) -> None:
    """The server is back as it was."""
    await _switch(demo, fault, on=True)
    await _switch(demo, fault, on=False)
    card = next(card for card in demo.cards if fault.endswith(card.name))
    pin = aiohttp.Fingerprint(bytes.fromhex(card.fingerprint))
    headers = {"x-api-version": card.api_version}
    async with (
        asyncio.timeout(5),
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{card.url}/api/v1/serverTime", ssl=pin) as answer,
    ):
        assert answer.status == 200


async def test_a_dark_server_refuses_connections(demo: Demo) -> None:
    """Down means down: nobody listens there."""
    await _switch(demo, "dark-branch", on=True)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{demo.cards[1].url}/api/v1/serverTime")
    await _switch(demo, "dark-branch", on=False)


async def test_a_bot_that_cannot_start_tells_why() -> None:
    """The end of its log is handed on, so that nobody has to look for it."""
    async with Demo() as demo:
        demo.bot_env["PORT"] = "no number"
        await demo.start()
        with pytest.raises(BotDied) as died:
            await demo.ready()
    assert died.value.status == 2
    assert died.value.last_lines


async def test_the_bot_is_killed_and_started_again_on_what_it_had() -> None:
    """A kill leaves the sandbox alone; a restart finds the same database and gets ready."""
    async with Demo() as demo:
        await demo.start()
        await demo.ready()
        await _switch(demo, "killed", on=True)
        assert not demo.bot.is_running
        await demo.slack.wait_until(lambda: not demo.slack.socket_mode.connections)
        assert (demo.folder / "veeam-bot.db").exists()
        await _switch(demo, "killed", on=False)
        await demo.ready()
        await demo.stop()
        assert not demo.bot.is_running


async def _command(**env: str) -> asyncio.subprocess.Process:
    """The demo as `veeam-bot demo` runs it, with `print` for its words."""
    run = "sys.exit(asyncio.run(run_demo(0, print)))"
    code = f"import asyncio, sys; from bot.sandbox.demo import run_demo; {run}"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", code),
        env=inherited() | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _read_until(process: asyncio.subprocess.Process, words: str) -> str:
    assert process.stdout is not None
    read = ""
    async with asyncio.timeout(60):
        while words not in read:
            line = await process.stdout.readline()
            assert line, read
            read += line.decode()
    return read


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_demo_in_order(number: signal.Signals) -> None:
    """It tells where the page and the servers are, and leaves nothing behind: no bot, no files."""
    process = await _command()
    said = await _read_until(process, "Ctrl+C")
    for text in ("http://127.0.0.1:", "VBR hq", "VBR branch", "user svc-slack", "password sandbox"):
        assert text in said
    log = next(line.split()[-1] for line in said.splitlines() if "Bot's log" in line)
    assert _is_there(log)
    process.send_signal(number)
    rest, _ = await process.communicate()
    assert (process.returncode, rest.decode().strip()) == (0, "Stopping …")
    assert not _is_there(log)


async def test_a_taken_port_is_told_in_a_line() -> None:
    """Two demos cannot have one port, and the second one says what to do."""
    said: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert await run_demo(port, said.append) == 1
    assert len(said) == 1
    assert f"port {port}" in said[0]
    assert "--port 0" in said[0]


async def test_a_bot_that_dies_ends_the_demo_with_its_last_lines() -> None:
    """Nobody looks at a page whose bot is gone without knowing why."""
    process = await _command(LOG_LEVEL="nonsense")
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert "The bot ended with status 2" in said.decode()
    assert "LOG_LEVEL" in said.decode()


async def test_nothing_of_the_surroundings_leads_out_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token, a database or a proxy of the person who runs the demo is not handed to its bot."""
    for name in (
        "SLACK_BOT_TOKEN",
        "VEEAM_URL",
        "DATABASE_URL",
        "DATABASE_URL_FILE",
        "https_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, "outside")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert "outside" not in inherited().values()
    assert inherited()["TZ"] == "Europe/Berlin"


async def _switch(demo: Demo, key: str, *, on: bool) -> None:
    asked = {"key": key, "on": on}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{demo.page_url}faults", json=asked) as answer,
    ):
        assert (await answer.json())["is_on"] is on


def _is_there(file: str) -> bool:
    return Path(file).exists()
