"""What a thread is about: the run that its first message tells of."""

from typing import Any

import msgspec
import structlog

from bot import store
from bot.operations.model import KnownJob, Topic
from bot.slack import errors
from bot.slack.gestures import author_of, topic_of
from bot.slack.web_api import WebApi, Workspace
from bot.watch import facts
from bot.watch.runs import Run

log = structlog.get_logger()


class Threads:
    """Knows the threads below this bot's own messages: by what it posted, else by what Slack has there."""

    def __init__(self, database: store.Database, web_api: WebApi, workspace: Workspace) -> None:
        self._database = database
        self._outbox = store.Outbox(database)
        self._runs = store.Runs(database)
        self._web_api = web_api
        self._own_ids = {workspace.bot_id, workspace.bot_user_id} - {""}

    async def topic(self, channel_id: str, thread_ts: str) -> Topic | None:
        """Return what the thread's first message is about; None where it is about no job. Never raises."""
        try:
            posted = await self._posted(channel_id, thread_ts)
        except store.StoreError as error:
            log.warning("threads.database_silent", problem=str(error))
            posted = None
        return posted or await self._read(channel_id, thread_ts)

    async def _posted(self, channel_id: str, ts: str) -> Topic | None:
        """The run of a message that came out of the outbox, as it stands now."""
        body = await self._outbox.body_of(channel_id, ts)
        if body is None:
            return None
        try:
            announced = facts.decode(body)
        except msgspec.ValidationError:
            return None
        match announced:
            case facts.RunEnded(run=told):
                run = await self._now(told)
                session_id = run.last.session_id
            case facts.DetailsReply(run=run, session=session) | facts.AttemptEnded(run=run, session=session):
                session_id = session.session_id
            case _:
                return None
        return Topic(KnownJob(run.server, run.job_id), session_id)

    async def _now(self, told: facts.RunFacts) -> facts.RunFacts:
        """The run with the attempts that came since its root was posted."""
        async with self._database.reading() as reading:
            row = await self._runs.of(reading, told.key)
        run = None if row is None else Run.decode(row.body)
        return told if run is None else run.facts

    async def _read(self, channel_id: str, ts: str) -> Topic | None:
        """What the message says of itself, by `conversations.replies`; a message of others says nothing."""
        where = {"channel": channel_id, "ts": ts, "limit": 1, "include_all_metadata": True}
        try:
            answer = await self._web_api.read("conversations.replies", where)
        except errors.SlackError as error:
            log.info("threads.not_read", channel=channel_id, problem=str(error))
            return None
        found = (each for each in answer.get("messages") or () if each.get("ts") == ts)
        root: dict[str, Any] = next(found, {})
        return topic_of(root) if author_of(root) in self._own_ids else None
