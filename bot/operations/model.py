"""The ground floor: who asks, for what, and how. Imports nothing of this room but the comparison of names.

Typed words, a button, a menu, a form and a shortcut all become one `Request`; each verb's own file says what
its request is (`bot.operations.queries`, `bot.operations.actions`).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from bot import veeam
from bot.operations.matching import bare, fold
from bot.settings import GrantSettings, PersonId, Role, ServerName, is_glob, matches_glob

VSPHERE: str = veeam.Source.VSPHERE.value
"""The platform of a machine that names none."""
ALL_ROLES = frozenset(Role) - {Role.SECURITY_ADMINISTRATOR}
"""Every role that may look at jobs; a Security Administrator reads the audit record alone."""
ADMINISTRATORS = frozenset({Role.BACKUP_ADMINISTRATOR})
AUDITORS = frozenset({Role.BACKUP_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR})
OPERATORS = frozenset({Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR, Role.TAPE_OPERATOR})


_PERMALINK = re.compile(
    r"(?:https?://)?[\w.-]+(?::\d+)?/archives/(?P<channel>[CDG][A-Z0-9]+)/p(?P<ts>\d{7,20})/?(?:\?(?P<query>\S*))?",
    re.ASCII,
)
_THREAD = re.compile(r"(?:^|&)thread_ts=(\d+\.\d+)(?:&|$)", re.ASCII)
_TS_DIGITS = 6
"""How many digits of a message's `ts` stand after its point, which a link leaves out."""


class Standing(StrEnum):
    """How a person stands towards the organisation; only a member is ever allowed anything."""

    MEMBER = "member"
    GUEST = "guest"
    FOREIGN = "foreign"
    DEACTIVATED = "deactivated"
    INVITED = "invited"
    BOT = "bot"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Person:
    """A person as they are when they ask.

    `groups` holds every spelling under which a grant may name one of their groups (its ID, and `@handle`
    where the settings use the handle). None means that the groups could not be read: nobody is let in on a
    guess. Of a person with two IDs (Enterprise Grid) `id` is the organisation's, whichever the gesture came
    with, and `other_ids` has the rest. No `zone`: their time zone is not known.
    """

    id: PersonId
    name: str
    standing: Standing
    groups: frozenset[str] | None
    other_ids: frozenset[str] = frozenset()
    zone: tzinfo | None = None

    def has_id(self, person_id: str) -> bool:
        """Whether the ID is this person's."""
        return person_id == self.id or person_id in self.other_ids


class People(Protocol):
    """Where people are looked up; implemented by the room that knows the chat platform."""

    async def read(self, person_id: PersonId, team_id: str | None = None, *, afresh: bool = False) -> Person:
        """Return the person, with `Standing.UNREADABLE` when they cannot be read. Never raises.

        `afresh`: as they are now; nothing that was remembered counts, also where nothing new can be read.
        """

    def group_names(self, groups: Collection[str]) -> tuple[str, ...]:
        """Return the groups' names as people know them (`@backup-admins`), as given where unknown."""


class Refusal(StrEnum):
    """Why somebody was refused."""

    STANDING = "standing"  # a guest, a foreigner, a bot, a deactivated account
    PERSON_UNREADABLE = "person_unreadable"
    GROUPS_UNREADABLE = "groups_unreadable"
    CHANNEL = "channel"
    SHARED_CHANNEL = "shared_channel"  # another organisation would read what comes of it
    CHANNEL_UNREADABLE = "channel_unreadable"  # nobody can say whether one would
    NO_GRANT = "no_grant"
    ROLE = "role"  # granted something, but not this
    SCOPE = "scope"  # the role is there, but not on this server or job
    REVISION = "revision"  # the role is there, but the server's revision does not let it
    OWN_REQUEST = "own_request"  # the person who asked for it cannot be the second person
    ASKER_UNREADABLE = "asker_unreadable"  # nobody can say what the person who asked for it may do now
    CHOICE = "choice"  # a value that no menu offers this person
    NOWHERE = "nowhere"  # it needs a second person, and there is no channel to ask one in
    UNSHOWABLE = "unshowable"  # it needs a second person, and is more than one view in Slack can show them


@dataclass(frozen=True, slots=True)
class ClosedRole:
    """A role that may do something, but not with the revision of this server, which came with `product`."""

    role: Role
    server: ServerName
    product: str


class Origin(StrEnum):
    """How somebody asked."""

    TYPED = "typed"
    BUTTON = "button"
    MENU = "menu"
    FORM = "form"
    SHORTCUT = "shortcut"
    HOME = "home"
    MENTION = "mention"
    MESSAGE = "message"

    @property
    def only_asks(self) -> bool:
        """Whether nothing is changed by it: an action is answered with the button that does it."""
        return self in {Origin.MENTION, Origin.MESSAGE}


@dataclass(frozen=True, slots=True)
class Gesture:
    """Who asked, where, how, and under which reference the log and the audit record find it.

    `reference` is short and shown to people. `press_key` is the same for every delivery of one press, so that
    a second press or a redelivery is recognised; for typed words it identifies the one delivery.
    `delivery_key` is the same where the same gesture comes again, and never for another press.
    `is_direct` in a conversation of two: with the bot, or of two people. No `channel_id`: in no channel.
    `thread_ts` is the thread's root, where it was made in one.
    """

    reference: str
    person_id: PersonId
    team_id: str | None
    channel_id: str | None
    origin: Origin
    press_key: str
    is_direct: bool = False
    delivery_key: str | None = None
    thread_ts: str | None = None


class Reading(NamedTuple):
    """One way to read a line: a name, and the words beside it as options."""

    name: str
    options: tuple[str, ...] = ()


class NamedJob(Struct, frozen=True, array_like=True, tag=1):
    """A job by what somebody typed: its name or a part of it. `exact` when it stood in quotes.

    `before` and `after` are words beside it that were read as options and may as well belong to the name;
    `doubt` says in a sentence what is wrong with the line, unless a job has just this name. Without `text`
    the person did not say which one: a form asks.
    """

    text: str
    server: str | None = None
    exact: bool = False
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    doubt: str | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Every way to read the line in which there is a name, the one with most options first."""
        ways = [
            Reading(
                " ".join((*self.before[begin:], *filter(None, (self.text,)), *self.after[:end])),
                (*self.before[:begin], *self.after[end:]),
            )
            for begin in range(len(self.before), -1, -1)
            for end in range(len(self.after) + 1)
        ]
        return tuple(way for way in ways if fold(way.name))


class KnownJob(Struct, frozen=True, array_like=True, tag=2):
    """A job by its identity, as a button carries it."""

    server: veeam.ServerName
    job_id: veeam.JobId


JobRef = NamedJob | KnownJob


@dataclass(frozen=True, slots=True)
class Topic:
    """What a conversation is about: a job, and the session of the message that it began with, if any.

    `unmet` is the kind of expectation that the message says the job does not meet. A message about many jobs,
    or about what is a server's own, has no `job`: its `buttons` say what can be asked for.
    """

    job: KnownJob | None
    session_id: veeam.SessionId | None = None
    unmet: str | None = None
    buttons: tuple["Request", ...] = ()


class NamedMachine(Struct, frozen=True, array_like=True, tag=1):
    """A machine by its whole name. Without `text` the person did not say which one: a form asks."""

    text: str
    server: str | None = None


class KnownMachine(Struct, frozen=True, array_like=True, tag=2):
    """A machine by its place in an inventory, as a menu carries it.

    `host_name` is what it is below: a vCenter or another host, or the name of a computer's protection group.
    """

    server: veeam.ServerName
    host_name: str
    object_id: str
    platform: str = VSPHERE


MachineRef = NamedMachine | KnownMachine


class MessageLink(Struct, frozen=True, array_like=True):
    """A message in a channel, by the link that people copy: its own `ts`, and its thread's if it has one."""

    text: str
    channel_id: str
    ts: str
    thread_ts: str | None = None

    @classmethod
    def read(cls, text: str) -> "MessageLink | None":
        """Return the message that a permalink names; None for anything else. The scheme may be missing."""
        found = _PERMALINK.fullmatch(text)
        if found is None:
            return None
        thread = _THREAD.search(found["query"] or "")
        seconds, fraction = found["ts"][:-_TS_DIGITS], found["ts"][-_TS_DIGITS:]
        return cls(text, found["channel"], f"{seconds}.{fraction}", thread[1] if thread else None)


class Snapshot(Struct, frozen=True, array_like=True):
    """The state a job was in when its button was drawn: its latest session, and whether it was active."""

    session_id: veeam.SessionId | None
    is_active: bool


class Step(IntEnum):
    """How far somebody is with what takes a form; a number, for a menu's option has 150 characters."""

    CHOOSE = 0  # what it is about is asked first
    FILL = 1  # the form is shown
    REVIEW = 2  # it was filled in: what will be done is shown, or what is wrong
    SEND = 3  # do it


class Kind(StrEnum):
    """A query answers the asker alone; an action changes VBR, is audited, and answers in the channel."""

    PERSONAL = "personal"  # everyone may, and it asks VBR nothing
    QUERY = "query"
    ACTION = "action"


class Style(StrEnum):
    """How much a button stands out."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is asked before a button acts. `consequence` is a sentence that follows the job and its server."""

    question: str
    consequence: str
    yes: str


class Alias(NamedTuple):
    """Another word for a command, and the beginning of a command that it stands for."""

    word: str
    stands_for: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What is said about a verb anywhere: help, buttons, dialogs, roles, audit names, metric labels, docs.

    `roles` are those of 1.3-rev0 (`roles_on`); empty means everyone, granted or not. `runs_jobs`: it has a
    job run or stop, which some revisions leave to fewer roles. `needs` is what a server's revision must have.
    No `usage`: it cannot be typed. `has_form`: a form asks before it acts, in place of a dialog; with
    `finds_by_form` a form also asks which job or machine is meant where none is named. `reduces_protection`:
    whatever it is done on has fewer backups afterwards.
    """

    name: str
    usage: str
    help: str
    kind: Kind
    audit_name: str
    roles: frozenset[Role] = frozenset()
    runs_jobs: bool = False
    examples: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    button: str | None = None
    style: Style = Style.PLAIN
    confirmation: Confirmation | None = None
    has_form: bool = False
    finds_by_form: bool = False
    reduces_protection: bool = False
    needs: veeam.Capability | None = None

    @property
    def is_for_administrators(self) -> bool:
        """Whether it is for administrators alone, so that their roles are read afresh."""
        return bool(self.roles) and self.roles <= AUDITORS

    def roles_on(self, revision: veeam.Revision) -> frozenset[Role]:
        """Return the roles that may do it on a server of this revision, of those that may at all."""
        closed = revision.roles_gone | (revision.roles_not_running_jobs if self.runs_jobs else frozenset())
        return self.roles - closed

    @property
    def label(self) -> str:
        """What people call it: the word on its button, where it has one."""
        return self.button or self.name.capitalize()


class Request(Struct, frozen=True, array_like=True):
    """What somebody asks for: a frozen value that a button, a form or a database row can carry as JSON.

    Each subclass is one verb and says what there is to say about it in `operation`; its tag is that
    operation's name.
    """

    operation: ClassVar[Operation]

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Return the fields that these words beside a name set; None where they are no options.

        All fields that options can set are in it. The words are as `bare` makes them.
        """
        return None if words else {}

    @classmethod
    def doubt_about(cls, words: Sequence[str]) -> str | None:
        """Return what is wrong with the end of a line that is nearly an option; None where nothing is.

        The words are as `bare` makes them.
        """
        del words
        return None

    def read_with(self, options: Sequence[str]) -> Self:
        """Return the same request with these words, and no others, as its options."""
        fields = self.options_in([bare(word) for word in options])
        if fields is None:
            raise ValueError(options)
        return replace(self, **fields)

    def on_same(self, label: str) -> "Request | None":
        """Return what the button of this label asks for about the very same; None where there is none."""
        return self if self.operation.label == label else None

    @property
    def subject(self) -> JobRef | MachineRef | None:
        """The one job or machine that the request is about, if any."""
        return None

    @property
    def names_subject(self) -> bool:
        """Whether the person said which job or machine is meant, where it takes one."""
        subject = self.subject
        return not isinstance(subject, NamedJob | NamedMachine) or bool(subject.text)

    @property
    def needs_form(self) -> bool:
        """Whether the request lacks what only a form asks for."""
        return False

    @property
    def server_named(self) -> str | None:
        """The server that the request is limited to, if any."""
        return self.subject.server if self.subject is not None else None


@dataclass(frozen=True, slots=True)
class AuditSubject:
    """What an entry of the audit record is about: a job as it was named or typed at the time, or a server.

    No server: it was asked for on any of several.
    """

    server: str | None
    job_id: str | None = None
    job_name: str | None = None


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one person may know of: servers and jobs of their grants, of every role that may look at jobs."""

    grants: tuple[GrantSettings, ...]

    def sees(self, server: str, job_name: str) -> bool:
        """Whether the person may know that there is a job of this name on this server."""
        return any(covers(grant, server, job_name) for grant in self.grants)

    def sees_server(self, server: str) -> bool:
        """Whether the person may know of the server."""
        return any(covers(grant, server) for grant in self.grants)

    def sees_all(self, server: str) -> bool:
        """Whether the person sees every job of the server, so that VBR can filter, sort and page."""
        return any(covers(grant, server) and "*" in grant.jobs for grant in self.grants)

    def sees_globs(self, servers: Sequence[str], jobs: Sequence[str], among: Collection[str]) -> bool:
        """Whether the person may know of globs, which are names too; `among` are all servers.

        They are those whose servers the person knows, and that give no job away.
        """
        if any(not is_glob(name) and not self.sees_server(name) for name in servers):
            return False
        meant = [name for name in among if any(matches_glob(glob, name) for glob in servers)]
        own = {glob for grant in self.grants for glob in grant.jobs}
        return all(self.sees_all(name) for name in meant) or all(
            glob.strip("*") == "" or glob in own for glob in jobs
        )


def covers(grant: GrantSettings, server: str, job_name: str | None = None) -> bool:
    """Whether the grant is for this job; without a name, for some job of the server at least."""
    if not any(matches_glob(glob, server) for glob in grant.servers):
        return False
    return job_name is None or any(matches_glob(glob, job_name) for glob in grant.jobs)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, by which gesture, and what this person may know of at this time.

    `approver` is the second person, where an approval was needed; `reason` why it is asked for.
    """

    person: Person
    gesture: Gesture
    visibility: Visibility
    approver: Person | None = None
    reason: str | None = None
