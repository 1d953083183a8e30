"""What a message of this bot is about: by the record of what was posted, else by what Slack has of it."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from bot.operations.backend import MessageUnreadable, ShownSession
from bot.operations.model import KnownJob, MessageLink, Topic
from bot.settings import ServerName
from bot.slack import errors
from bot.slack.gestures import author_of, topic_of
from bot.slack.web_api import WebApi, Workspace
from bot.store import Database, FollowedSessions, Outbox, PostedMessage, Runs, StoreError
from bot.veeam import JobId, SessionId
from bot.watch import facts, runs
from bot.watch.run_facts import RunFacts

_COMPLETION = "veeam_session"

log = structlog.get_logger()


class PostedSessions:
    """Finds the session of a message or of the thread that it stands in, and what a thread is about."""

    def __init__(self, database: Database, web_api: WebApi, workspace: Workspace) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._followed = FollowedSessions(database)
        self._runs = Runs(database)
        self._web_api = web_api
        self._own_ids = {workspace.bot_id, workspace.bot_user_id} - {""}

    async def session_of(self, link: MessageLink) -> ShownSession | None:
        """Return the session that the linked message shows; a run's root shows the one that made its result.

        Slack is asked only about messages that the database does not know, where the bot is a member. Raises
        `MessageUnreadable` and `StoreError`.
        """
        places = [link.ts] if link.thread_ts in {None, link.ts} else [link.ts, str(link.thread_ts)]
        for ts in places:
            if (known := await self._known(PostedMessage(link.channel_id, ts))) is not None:
                return known
        for ts in places:
            if (told := _in_metadata(await self._read(link, ts))) is not None:
                return told
        return None

    async def topic_of_thread(self, channel_id: str, thread_ts: str) -> Topic | None:
        """Return what a thread's first message is about; None where it is about no job. Never raises."""
        try:
            known = await self._known(PostedMessage(channel_id, thread_ts))
        except StoreError as error:
            log.warning("session_messages.database_silent", problem=str(error))
            known = None
        if known is not None and known.job_id is not None:
            return Topic(KnownJob(known.server, JobId(known.job_id)), known.session_id)
        try:
            root = await self._read(MessageLink("", channel_id, thread_ts), thread_ts)
        except MessageUnreadable:
            return None
        return None if root is None else topic_of(root)

    async def _known(self, posted: PostedMessage) -> ShownSession | None:
        row = await self._outbox.at(posted)
        if row is None:
            followed = await self._followed.shown_at(posted.channel, posted.ts)
            if followed is None:
                return None
            return ShownSession(ServerName(followed.server), SessionId(followed.session_id), followed.job_id)
        try:
            announced = facts.decode(row.body)
        except msgspec.MsgspecError as error:
            log.warning("session_messages.unreadable", key=row.key, problem=str(error))
            return None
        match announced:
            case facts.RunEnded(run=run) | facts.RunChanged(run=run):
                run = await self._as_it_stands(run)
                session = run.last
            case facts.NoFurtherAttempt(run=run):
                session = run.last
            case facts.DetailsReply(run=run, session=session) | facts.AttemptEnded(run=run, session=session):
                pass
            case _:
                return None
        return ShownSession(run.server, session.session_id, run.job_id)

    async def _as_it_stands(self, run: RunFacts) -> RunFacts:
        """The run with the attempts since its root was posted, which its root shows by now."""
        async with self._database.reading() as reading:
            row = await self._runs.of(reading, run.key)
        now = runs.Run.decode(row.body) if row is not None else None
        return run if now is None else now.facts

    async def _read(self, link: MessageLink, ts: str) -> Mapping[str, Any] | None:
        """The message as Slack has it; None where there is none, or the bot isn't in its channel."""
        where: dict[str, Any] = {
            "channel": link.channel_id,
            "oldest": ts,
            "latest": ts,
            "inclusive": True,
            "include_all_metadata": True,
            "limit": 1,
        }
        method = "conversations.history"
        if link.thread_ts is not None and ts != link.thread_ts:
            # A thread's root comes with its replies, whatever is asked for.
            method, where = "conversations.replies", {**where, "ts": link.thread_ts, "limit": 2}
        try:
            answer = await self._web_api.read(method, where)
        except errors.SlackError as error:
            log.info("session_messages.not_read", problem=str(error))
            if isinstance(error, errors.ChannelUnavailable | errors.MessageGone):
                return None
            raise MessageUnreadable from error
        messages = answer.get("messages") or ()
        found = next((one for one in messages if isinstance(one, dict) and one.get("ts") == ts), None)
        return found if found is not None and author_of(found) in self._own_ids else None


def _in_metadata(message: Mapping[str, Any] | None) -> ShownSession | None:
    metadata = (message or {}).get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != _COMPLETION:
        return None
    match metadata.get("event_payload"):
        case {"server": str(server), "session_id": str(session_id), **others}:
            job_id = others.get("job_id")
            return ShownSession(
                ServerName(server), SessionId(session_id), job_id if isinstance(job_id, str) else None
            )
        case _:
            return None
