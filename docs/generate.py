"""Writes the pages of the reference that are made from code: `python docs/generate.py`.

Each page is a function that gives its text; a test compares it with the page in the repository.
"""  # noqa: INP001 -- a script beside the pages, not a package

import datetime as dt
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot.operations.catalog import CATALOG, available
from bot.operations.job_filters import JobsColumn
from bot.operations.model import ALL_ROLES, Kind, Operation
from bot.operations.queries.jobs import ListJobs
from bot.settings import (
    ApiVersion,
    ChannelId,
    GroupReference,
    MentionId,
    PersonId,
    Role,
    ServerName,
    Settings,
)
from bot.settings.layout import CONFIG_VARIABLE, PASSWORD_VARIABLE, Entry, entries, is_repeated, section_in
from bot.slack.manifest import EVENTS, PICTURES_SCOPE, SCOPES, SHORTCUTS
from bot.slack.views.status_text import type_name
from bot.veeam import (
    DEFAULT_RULES,
    REVISIONS,
    JobId,
    JobState,
    Revision,
    SettingsField,
    Workload,
    creatable_types,
)
from bot.veeam.job_layouts import LAYOUTS, Layout, ScheduleForm

_HERE: Final = Path(__file__).parent
_REVISIONS: Final = _HERE / "reference" / "revisions.md"
_CAUSES: Final = _HERE / "explanation" / "causes.md"
_CAUSES_BEGIN: Final = "<!-- causes -->"
_CAUSES_END: Final = "<!-- end of causes -->"
_TYPES_BEGIN: Final = "<!-- job types -->"
_TYPES_END: Final = "<!-- end of job types -->"
_SETTINGS_BEGIN: Final = "<!-- settings of job types -->"
_SETTINGS_END: Final = "<!-- end of settings -->"
JOB_VERBS: Final = (
    *("jobs", "job", "start", "stop", "retry", "enable", "disable", "clone", "delete", "create", "edit"),
    *("apply", "clearcache"),
)
_MADE: Final = "<!-- Made by docs/generate.py from the code: change it there. -->"
_KINDS: Final[Mapping[Kind, str]] = {
    Kind.QUERY: "Look: only the person who asked sees the answer",
    Kind.ACTION: "Act: the answer is posted in the channel",
    Kind.PERSONAL: "Yourself: for everyone, with or without a role",
}
_WORDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "secret",
    Path: "path",
    dt.time: "time of day",
    ApiVersion: "`auto` or a revision",
    ChannelId: "channel ID",
    GroupReference: "user group's ID or @handle",
    PersonId: "person's ID",
    MentionId: "ID of a user group or person",
    ServerName: "name",
}


def settings_page() -> str:
    """Every variable and every key: type, default, meaning."""
    return "\n".join((_MADE, *_intro(), *_variables(), *_file())) + "\n"


def slack_app_page() -> str:
    """What the Slack app asks for, and why."""
    scopes = [(f"`{scope.name}`", scope.reason, _code(scope.methods)) for scope in SCOPES]
    events = [
        (f"`{event.name}`", event.reason, f"`{event.scope}`" if event.scope else "none") for event in EVENTS
    ]
    places = {"global": "Slack's own menu", "message": "the menu of a message"}
    shortcuts = [
        (each.name, places[each.type], f"{each.reason} (`{each.callback_id}`)") for each in SHORTCUTS
    ]
    lines = (
        _MADE,
        "# The Slack app",
        "",
        "`veeam-bot manifest` prints the app's manifest. It asks for no more than this.",
        "",
        "## Scopes of the bot token",
        "",
        *_table(("scope", "what it is for", "methods that need it"), scopes),
        "",
        f"One more is asked for by `veeam-bot manifest --pictures` alone: `{PICTURES_SCOPE.name}`, to",
        f"{PICTURES_SCOPE.reason} ({_code(PICTURES_SCOPE.methods)}).",
        "",
        "## Events",
        "",
        *_table(("event", "what it is for", "scope"), events),
        "",
        "## Shortcuts and App Home",
        "",
        *_table(("shortcut", "where", "what it does"), shortcuts),
        "",
        "The app's Home tab is switched on: it shows each person how things are, and what they may do.",
        "",
        "## The app-level token",
        "",
        "Socket Mode needs an app-level token with the one scope `connections:write`. It is not part",
        "of the manifest: make it on the app's page, Basic Information, App-Level Tokens. HTTP mode needs",
        "the signing secret from the same page instead, and the bot's address: `veeam-bot manifest",
        "--http URL`.",
    )
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every operation of the catalog: usage, roles, examples, button, confirmation, name on record."""
    lines = (
        _MADE,
        "# Commands",
        "",
        *_words(),
        "## At a glance",
        "",
        *_table(("command", "does", "roles that may"), [_glance(operation) for operation in CATALOG]),
        "",
        *(line for kind, title in _KINDS.items() for line in _operations(kind, title)),
    )
    return "\n".join(lines).rstrip("\n") + "\n"


def revisions_page() -> str:
    """The page on revisions as it stands, with the tables of job types and their settings made anew."""
    page = _REVISIONS.read_text(encoding="utf-8")
    page = _with_table(page, _TYPES_BEGIN, _TYPES_END, _job_types())
    return _with_table(page, _SETTINGS_BEGIN, _SETTINGS_END, _settings_of_job_types())


def _with_table(page: str, begin: str, end: str, table: Iterable[str]) -> str:
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    rows = "\n".join(table)
    return f"{before}{begin}\n{rows}\n{end}{after}"


def _job_types() -> Iterator[str]:
    """For each revision, what can be done with jobs of each type that it has a word for."""
    heads = ("type of job", *JOB_VERBS)
    for name, facts in REVISIONS.items():
        rows = sorted(
            (type_name(kind), *("yes" if verb in done else "" for verb in JOB_VERBS))
            for kind in facts.job_types
            for done in (verbs_on(kind, facts),)
        )
        yield from ("", f"### {facts.product}, `{name}`", "", *_table(heads, rows))
    yield ""


def verbs_on(kind: str, facts: Revision) -> frozenset[str]:
    """What can be done with a job of this type in one state or another; from nothing, where it is made."""
    states = (
        JobState(id=JobId(""), name="", type=kind, status=status, last_result="Failed")
        for status in ("stopped", "running", "disabled")
    )
    offered = {operation.name for state in states for operation in available(state, facts)}
    made = {"create"} if kind in creatable_types(facts) else set()
    return frozenset({"jobs", *offered, *made})


def _settings_of_job_types() -> Iterator[str]:
    """Which settings a job of each type has, beside its name, objects, repository, retention and schedule."""
    heads = (
        *("type of job", "left out", "GFS", "retries", "backup window", "guest processing", "compression"),
        *("encryption", "full backups", "health check"),
    )
    rows = sorted((type_name(kind), *_settings(layout)) for kind, layout in LAYOUTS.items())
    yield from _table(heads, rows)


def _settings(layout: Layout) -> Iterator[str]:
    gfs = "yes" if layout.has_gfs_everywhere else "from 13.1 on"
    yield "yes" if layout.excludes else ""
    yield gfs if layout.gfs else ""
    yield "yes" if layout.has_retry else ""
    yield "yes" if layout.has_retry or layout.schedule is ScheduleForm.CONTINUOUS else ""
    yield ("yes" if layout.has_guest_everywhere else "on 13.0.1 only") if layout.has_guest else ""
    yield from (
        "yes" if part in layout.advanced else ""
        for part in (
            SettingsField.COMPRESSION,
            SettingsField.ENCRYPTION,
            SettingsField.ACTIVE_FULL,
            SettingsField.HEALTH_CHECK,
        )
    )


def causes_page() -> str:
    """The page on causes as it stands, with the table of those that the bot knows made anew."""
    before, begin, rest = _CAUSES.read_text(encoding="utf-8").partition(_CAUSES_BEGIN)
    _, end, after = rest.partition(_CAUSES_END)
    rows = [(each.title, f"`{each.key}`", each.next_step) for each in DEFAULT_RULES.causes]
    table = "\n".join(_table(("cause", "name", "what to do"), rows))
    return f"{before}{begin}\n{table}\n{end}{after}"


PAGES: Final[Mapping[Path, Callable[[], str]]] = {
    _HERE / "reference" / "commands.md": commands_page,
    _HERE / "reference" / "settings.md": settings_page,
    _HERE / "reference" / "revisions.md": revisions_page,
    _HERE / "reference" / "slack-app.md": slack_app_page,
    _CAUSES: causes_page,
}


def main() -> None:
    """Write every page."""
    for path, page in PAGES.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), encoding="utf-8")


def _words() -> Iterator[str]:
    yield from (
        "Typed after the slash command, `/veeam` unless the settings name another: `/veeam jobs failed`.",
        "",
        "- Letter case is ignored.",
        "- `NAME` is the rest of the line. To look, a unique part of a job's name is enough; several jobs",
        "  that match give a menu, none gives the nearest names. `*` and `?` are wildcards.",
        "- To act, the whole name is needed. A part of one does nothing: it shows the job, or a menu, with",
        "  the button that does it. `all` and `*` are explained; every action takes one job.",
        "- Option words at the end of the line count only where what is left is a job's whole name:",
        "  `start Weekly Full` starts the job `Weekly Full`, where there is one. Where `Weekly` is a job",
        "  too, a menu says what each reading does.",
        "- In quotes, straight or curly, a name is taken as it is, and words after it are options:",
        '  `start "full" full` starts the job `full` with an active full backup.',
        "- A word such as `colour:blue` that is no option of the command is named as unknown, unless a job",
        "  has that name.",
        "- Names are compared as a person would: letter case, blanks and letters that nobody sees make no",
        "  difference. Before an action the bot asks which of several jobs that look the same is meant.",
        "- Without a name `start`, `stop`, `retry`, `enable`, `disable`, `clone`, `delete` and `quickbackup`",
        "  open a form that searches for the job or machine, shows what is touched, and asks how. With a",
        "  name they act at once; only `delete` always asks.",
        "- `server:NAME` narrows any command but `help` and `whoami` to one server. Without it every server",
        "  is asked at once; one that does not answer is named, and the others' answers show.",
        "- A time span is a number with `m`, `h`, `d` or `w`: `90m`, `24h`, `7d`.",
        "- What the asker's grants do not cover appears in no list, menu, count or suggestion.",
        "",
        "## Mentions and direct messages",
        "",
        "The same words work after a mention of the bot, in channels and threads that it is in, and in a",
        "direct message to it: `@veeam jobs failed`. What is before the mention is left aside where what",
        "follows it is a command, and so is what the message quotes.",
        "",
        "- A mention is answered for you alone, in its thread if it is in one; a direct message by a",
        "  message.",
        "- They change nothing by themselves: an action is answered with the button that does it.",
        "- In the thread of a completion a command without a name is about that job: `@veeam retry`, `job`,",
        "  `sessions`; `session` shows that message's session, `why` explains that run.",
        "- Edited messages and messages of bots are not read. Files are left aside.",
        "",
        "## Buttons",
        "",
        "A button runs the same operation as the typed command, with the rights of the person who clicks,",
        "at the time of the click. Who holds which role: [grants](../how-to/who-may-do-what.md).",
        "",
    )


def _glance(operation: Operation) -> tuple[str, str, str]:
    return f"[`{operation.usage}`](#{operation.name})", operation.help, _roles(operation)


def _operations(kind: Kind, title: str) -> Iterator[str]:
    yield from (f"## {title}", "")
    for operation in CATALOG:
        if operation.kind is kind:
            yield from _operation(operation)


def _operation(operation: Operation) -> Iterator[str]:
    facts = [("usage", f"`{operation.usage}`"), ("roles", _roles(operation))]
    if operation.aliases:
        aliases = (f"`{alias.word}` for `{alias.stands_for}`" for alias in operation.aliases)
        facts.append(("aliases", ", ".join(aliases)))
    if operation.examples:
        facts.append(("examples", _code(operation.examples)))
    if operation.button:
        facts.append(("button", f"**{operation.button}**"))
    if asked := operation.confirmation:
        facts.append(("asks before a click acts", f'"{asked.question} {asked.consequence}"'))
    if operation.finds_by_form:
        facts.append(("without a name", "a form searches, says what is touched, and asks how"))
    if operation.has_form:
        facts.append(("asks in a form", "yes"))
    facts.append(("name on record", f"`{operation.audit_name}`"))
    sentence = f"{operation.help[:1].upper()}{operation.help[1:]}."
    yield from (f"### {operation.name}", "", sentence, "", *_table(("", ""), facts), "")
    if operation is ListJobs.operation:
        yield from _job_filters()


def _job_filters() -> Iterator[str]:
    columns = ", ".join(f"`{column}`" for column in JobsColumn)
    workloads = ", ".join(f"`{workload}`" for workload in Workload)
    filters = (
        ("`failed warning`", "several states: jobs in any of them, failed ones first"),
        ("`problems`", "`failed` and `warning`"),
        ("`running`", "starting, running or stopping"),
        ("`stopped`", "the last run was stopped by a person, as far as VBR lets one tell"),
        ("`none`", "no result yet"),
        ("`disabled`, `enabled`", "off its schedule, or not"),
        ("`inactive`", "at rest: neither running nor disabled"),
        ("`PATTERN`", "the name contains it, or fits it with `*` and `?`"),
        ("`type:T`", "VBR's type or a part of it: `type:HyperVBackup`, `type:agent`, `type:vmware`"),
        ("`repo:R`", "writes to this repository: its name or a part of it"),
        ("`workload:W`", f"what it protects: {workloads}"),
        ("`priority:high`", "high priority; `priority:normal` for the others"),
        ("`after:JOB`", "runs after this job; not with the API of VBR 12.3, which does not say"),
        ("`objects:N`", "has so many objects; a folder or tag counts as one"),
        (
            "`holding:MACHINE`",
            "backs this machine up, as far as VBR tells",
        ),
        ("`ran:<24h`, `ran:>7d`", "the last run began within 24 hours, or more than 7 days ago"),
        (
            "`stale:26h`",
            "no run ended with Success or Warning within 26 hours; each says when its last one did",
        ),
        ("`sort:COLUMN`, `sort:-COLUMN`", f"upwards or downwards by {columns}"),
    )
    yield from (
        "All conditions must hold at once. Put a value with spaces in quotes:",
        '`after:"Oracle ERP"`. Failed jobs that give the same reason stand together on a page.',
        "",
        *_table(("filter", "jobs"), filters),
        "",
        "VBR's API names the objects in a job's own list, not what a folder, tag, host or protection group",
        "contains. `holding:` therefore also asks for the machine's restore points: a machine that a job",
        "covers by such a container is found after its first backup. Replication jobs are found by their",
        "lists alone, jobs of other platforms' plug-ins by restore points alone.",
        "",
    )


def _roles(operation: Operation) -> str:
    if not operation.roles:
        return "everyone"
    if operation.roles == ALL_ROLES:
        return "all but Security Administrator"
    return ", ".join(role.short for role in Role if role in operation.roles)


def _intro() -> Iterator[str]:
    yield from (
        "# Settings",
        "",
        "Settings come from environment variables and from one TOML file; a variable wins over the file. The",
        f"file is `veeam-bot.toml` in the folder the bot is started in, or the one that `{CONFIG_VARIABLE}`",
        "names. [An annotated example](../veeam-bot.example.toml) shows every table.",
        "",
        "`veeam-bot config` prints the settings in force with every secret masked; `veeam-bot config",
        "--schema` prints their JSON Schema, with which an editor can check the file. Each wrong",
        "setting is one line, all at once; the exit code is 2. Keys and variables that look like a typo are",
        "wrong settings too.",
        "",
    )


def _variables() -> Iterator[str]:
    heads = ("variable", "default", "meaning")
    named = [entry for entry in entries() if entry.variable]
    general = [(f"`{CONFIG_VARIABLE}`", "`veeam-bot.toml`, if it exists", "Path of the TOML file.")]
    general += [_variable_row(entry) for entry in named if entry.table in {(), ("slack",)}]
    yield from (
        "## Environment variables",
        "",
        "A variable that is empty counts as not set. Every secret is also read from the file that",
        "`<VARIABLE>_FILE` names (UTF-8, or UTF-16 with a byte-order mark; 64 KiB at most); such a mark and",
        "a line break at its end are not part of it. Secrets never belong in the TOML file.",
        "",
        "In the file as in variables, control characters are refused, and so are characters inside a value",
        "that cannot be seen; blanks and invisible characters around a value are ignored. Only the blanks of",
        "a password count, and the names in `jobs` are taken as they are written.",
        "",
        *_table(heads, general),
        "",
        "### One server, without a file",
        "",
        "These describe one server, named `default`. It can be used beside the servers of the file.",
        "",
        *_table(heads, [_variable_row(entry) for entry in named if entry.table == ("servers",)]),
        "",
        "### Passwords of the servers in the file",
        "",
        *_table(heads, [_password_row(entry) for entry in named if entry.key == "password"]),
        "",
        "`<NAME>` is the server's name and `<ROLE>` the account's role, in capitals, with `_` for `-` and",
        "blanks: `VEEAM_PASSWORD_HQ`, `VEEAM_PASSWORD_HQ_VEEAM_BACKUP_OPERATOR`.",
        "",
    )


def _variable_row(entry: Entry) -> tuple[str, str, str]:
    secret = " Secret." if entry.is_secret else ""
    variable = PASSWORD_VARIABLE if entry.key == "password" else entry.variable
    return f"`{variable}`", _default(entry.field), f"{entry.field.description}{secret}"


def _password_row(entry: Entry) -> tuple[str, str, str]:
    return f"`{entry.variable}`", "required", f"Password of each `[[{'.'.join(entry.table)}]]`. Secret."


def _file() -> Iterator[str]:
    yield from ("## The TOML file", "")
    yield from _section(Settings, (), repeated=False)


def _section(model: type[BaseModel], path: tuple[str, ...], *, repeated: bool) -> Iterator[str]:
    keys = [(key, field) for key, field in model.model_fields.items() if not _is_secret(field)]
    plain = [(key, field) for key, field in keys if section_in(field.annotation) is None]
    if path:
        name = ".".join(path)
        yield from (
            f"### `[[{name}]]`" if repeated else f"### `[{name}]`",
            "",
            inspect.getdoc(model) or "",
            "",
        )
    else:
        yield from ("### Above all tables", "")
    rows = [
        (f"`{key}`", _kind(field.annotation), _default(field), str(field.description)) for key, field in plain
    ]
    yield from (*_table(("key", "type", "default", "meaning"), rows), "")
    for key, field in keys:
        if (section := section_in(field.annotation)) is not None:
            yield from _section(section, (*path, key), repeated=is_repeated(field))


def _is_secret(field: FieldInfo) -> bool:
    return section_in(field.annotation) is None and "secret" in _kind(field.annotation)


def _kind(annotation: Any) -> str:
    parts = [part for part in get_args(annotation) if part not in (type(None), Ellipsis)]
    if get_origin(annotation) in (Union, types.UnionType):
        return _kind(parts[0])
    if get_origin(annotation) is tuple:
        return f"list of {_kind(parts[0])}"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _code(word.value for word in annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    return _kind(parts[0])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return f"`{_toml(value)}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    main()
