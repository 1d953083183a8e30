"""Lists read from VBR: name filters, pages out of several servers' lists, and the repositories jobs write to.

VBR's `nameFilter` matches any field of a row and knows `*` at its ends only, so it narrows what is fetched
and never decides; names are compared in `matching`.

Merging the beginnings of sorted lists gives the beginning of the merged list, whatever the collation they
were sorted by; so a page is the same one each time it is asked for.

VBR lists repositories and scale-out repositories apart: states have the extents, and scale-out repositories
have no state. Here a scale-out repository is one repository, and its extents are none.
"""

import asyncio
import heapq
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot import veeam
from bot.operations import matching
from bot.settings import is_glob

T = TypeVar("T")

PAGE_ROWS = 10
REQUEST_ROWS = 500
SCAN_AT_MOST = 20_000

_UNSEEN = matching.INVISIBLE + matching.FILLERS
_TYPOGRAPHY = matching.DOUBLE_QUOTES + matching.SINGLE_QUOTES + matching.DASHES + _UNSEEN
_EMOJI = r":\S+:|[\u2190-\u2bff\U0001f000-\U0001faff]"
_UNSURE = re.compile(rf"[*?\-\u2026{_TYPOGRAPHY}]|[^\S ]+| {{2,}}|{_EMOJI}")
"""What VBR reads as a wildcard, and what may be written otherwise in the name that is meant."""

AskPage = Callable[[int, int], Awaitable[veeam.Page[T]]]
"""One request: how many rows to skip, and how many to give."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The beginning (or a window) of one sorted list. `total` counts all; a lower bound unless exact."""

    rows: tuple[T, ...]
    total: int
    is_exact: bool = True
    unreadable: int = 0


async def window(ask: AskPage[T], *, skip: int, count: int) -> Rows[T]:
    """Return the rows from `skip` on, at most `count`, of a list that the server filters by itself."""
    rows: list[T] = []
    unreadable = 0
    at, end = skip, skip + count
    while True:
        page = await ask(at, min(REQUEST_ROWS, end - at))
        rows += page.rows
        unreadable += page.unreadable
        at += page.received
        if at >= end or not page.received or (page.total is not None and at >= page.total):
            break
    total = at if page.total is None else page.total
    is_exact = page.total is not None or not page.received
    return Rows(tuple(rows[:count]), total, is_exact, unreadable)


async def scanned(
    ask: AskPage[T], keep: Callable[[T], bool], *, at_most: int = SCAN_AT_MOST, enough: int | None = None
) -> Rows[T]:
    """Return all rows to keep, reading every row of the list, but no more than `at_most`.

    With `enough`, reading ends as soon as so many are kept.
    """
    rows: list[T] = []
    unreadable = at = 0
    while at < at_most and (enough is None or len(rows) < enough):
        page = await ask(at, min(REQUEST_ROWS, at_most - at))
        rows += (row for row in page.rows if keep(row))
        unreadable += page.unreadable
        at += page.received
        if not page.received or (page.total is not None and at >= page.total):
            return Rows(tuple(rows), len(rows), unreadable=unreadable)
    return Rows(tuple(rows), len(rows), is_exact=False, unreadable=unreadable)


def page_of(
    lists: Iterable[Sequence[T]], *, start: int, by: Callable[[T], Any], is_reversed: bool = False
) -> tuple[T, ...]:
    """Return one page of the merged lists, each of which is sorted by this key as its server sees it."""
    merged = tuple(heapq.merge(*lists, key=by, reverse=is_reversed))
    return merged[start : start + PAGE_ROWS]


async def every(rows: AsyncIterable[T]) -> tuple[T, ...]:
    """Return all rows of a list that the client reads page by page."""
    return tuple([row async for row in rows])


async def where_there(answer: Awaitable[T]) -> T | None:
    """Return the answer; None where the server has nothing of the kind."""
    try:
        return await answer
    except (veeam.Rejected, veeam.NotFoundOnServer):
        return None


def name_filter(word: str) -> str | None:
    """Return a `nameFilter` that leaves out no job whose name holds the word; None where it can't narrow.

    VBR takes `*` at the ends only, and typed punctuation may differ from the name's: the longest piece is
    sent.
    """
    piece = max(_UNSURE.split(word), key=lambda text: len(text.strip())).strip()
    return f"*{piece}*" if piece else None


def exact_name_filter(name: str) -> str | None:
    """Return the same for a name as VBR itself spells it, which is sent whole: few rows have all of it."""
    return name_filter(name) if is_glob(name) else f"*{name}*"


async def repositories_of(server: veeam.VeeamServer, text: str = "") -> tuple[veeam.RepositoryState, ...]:
    """Return the repositories that a job can write to and whose names may hold the text.

    A detail: what the server does not list is missing, and noted. Scale-out repositories come first.
    """
    listed, _ = await list_repositories(server, text)
    return listed


async def list_repositories(
    server: veeam.VeeamServer, text: str = ""
) -> tuple[tuple[veeam.RepositoryState, ...], bool]:
    """Return the same, and whether the server listed all of them."""
    async with asyncio.TaskGroup() as group:
        plain = group.create_task(
            veeam.detail(veeam.Detail.REPOSITORIES, server.name, _plain(server, text), None)
        )
        scale_out = group.create_task(
            veeam.detail(veeam.Detail.SCALE_OUT_REPOSITORIES, server.name, _scale_out(server, text), None)
        )
    is_whole = plain.result() is not None and scale_out.result() is not None
    return _each_once(scale_out.result() or {}, plain.result() or ()), is_whole


async def every_repository(server: veeam.VeeamServer) -> tuple[veeam.RepositoryState, ...]:
    """Return the repositories that a job can write to; scale-out ones only if the account may list them.

    Raises `VeeamError`.
    """
    async with veeam.at_once() as group:
        plain = group.create_task(_plain(server, ""))
        scale_out = group.create_task(_scale_out_if_allowed(server))
    return _each_once(scale_out.result(), plain.result())


async def repository_of(server: veeam.VeeamServer, job: veeam.JobState) -> veeam.RepositoryState | None:
    """Return the repository a job writes to, by its name alone where VBR says no more; else None.

    A detail: where it cannot be read, that is noted.
    """
    identity, name = job.repository_id, job.repository_name
    if identity is None:
        return None
    by_name = veeam.RepositoryState(id=identity, name=name) if name else None
    return await veeam.detail(
        veeam.Detail.REPOSITORIES, server.name, _repository_of(server, job, by_name), by_name
    )


async def _repository_of(
    server: veeam.VeeamServer, job: veeam.JobState, by_name: veeam.RepositoryState | None
) -> veeam.RepositoryState | None:
    if job.repository_id is None:
        return None
    page = await where_there(server.repository_states(veeam.RepositoryStatesQuery(id=job.repository_id)))
    rows = page.rows if page is not None else ()
    own = next((row for row in rows if row.id.casefold() == job.repository_id.casefold()), None)
    if own is not None:
        return own
    if not server.revision.knows_extents:
        return by_name
    # The extents of a scale-out repository name it: no list of scale-out repositories is needed.
    extents = await where_there(_performance_extents(server, job.repository_id)) or ()
    members = (row.extent_of for row in extents if row.extent_of is not None)
    member = next((one for one in members if one.is_within(job.repository_id)), None)
    if member is None:
        return by_name
    name = job.repository_name or member.membership
    scale_out = veeam.ScaleOutRepository(id=job.repository_id, name=name)
    return veeam.scale_out_state(scale_out, extents)


def _each_once(
    scale_out: Mapping[veeam.ScaleOutRepository, veeam.RepositoryState],
    plain: Sequence[veeam.RepositoryState],
) -> tuple[veeam.RepositoryState, ...]:
    """Scale-out repositories, and of the others those that are neither one of them nor an extent of one."""
    listed = {row.id.casefold() for row in scale_out.values()}
    listed.update(*(each.extent_ids for each in scale_out))
    return (*scale_out.values(), *(row for row in plain if row.id.casefold() not in listed))


async def _plain(server: veeam.VeeamServer, text: str) -> tuple[veeam.RepositoryState, ...]:
    query = veeam.RepositoryStatesQuery(
        exclude_extents=True, name=name_filter(text), order_by="Name", ascending=True
    )
    return tuple(
        state for state in await every(server.every_repository_state(query)) if state.extent_of is None
    )


async def _scale_out(
    server: veeam.VeeamServer, text: str
) -> Mapping[veeam.ScaleOutRepository, veeam.RepositoryState]:
    # All of them where only they tell which repositories are extents.
    name = name_filter(text) if server.revision.knows_extents else None
    query = veeam.ScaleOutRepositoriesQuery(name=name, order_by="Name", ascending=True)
    listed = await where_there(every(server.every_scale_out_repository(query)))
    if not listed:
        return {}
    extents = await veeam.detail(
        veeam.Detail.REPOSITORIES, server.name, where_there(_performance_extents(server)), ()
    )
    extents = extents or ()
    return {each: veeam.scale_out_state(each, extents) for each in listed}


async def _scale_out_if_allowed(
    server: veeam.VeeamServer,
) -> Mapping[veeam.ScaleOutRepository, veeam.RepositoryState]:
    try:
        return await _scale_out(server, "")
    except veeam.NotAllowed:
        return {}


async def _performance_extents(
    server: veeam.VeeamServer, scale_out_id: str | None = None
) -> tuple[veeam.RepositoryState, ...]:
    query = veeam.RepositoryStatesQuery(
        extent_type=veeam.PERFORMANCE_EXTENT, scale_out_id=scale_out_id, order_by="Name", ascending=True
    )
    return await every(server.every_repository_state(query))
