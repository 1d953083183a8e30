"""Modals and App Homes: the stack of three, hashes, and what people have entered."""

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox.slack.app import App
from bot.sandbox.slack.elements import carried_over, initial_state
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.feed import Clock, Feed
from bot.sandbox.slack.normal import stored_view
from bot.sandbox.slack.snapshot import Json, ViewView

STACK_LIMIT = 3


@dataclass(slots=True)
class View:
    """One view, bound to the person who sees it."""

    id: str
    person: str
    content: Json
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    entered: Json = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """The blocks as stored."""
        return list(self.content["blocks"])

    @property
    def is_home(self) -> bool:
        """Whether this is an App Home."""
        return bool(self.content["type"] == "home")

    def json(self, app: App, team_id: str) -> Json:
        """The `view` object of answers and payloads."""
        return {
            "id": self.id,
            "team_id": team_id,
            **self.content,
            "state": {"values": copy.deepcopy(self.entered)},
            "hash": self.hash,
            "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id,
            "app_id": app.id,
            "app_installed_team_id": team_id,
            "bot_id": app.bot_id,
        }

    def view(self) -> ViewView:
        """The view for an onlooker."""
        return {
            "id": self.id,
            "type": self.content["type"],
            "callback_id": self.content["callback_id"],
            "title": self.content["title"],
            "submit": self.content["submit"],
            "close": self.content["close"],
            "blocks": self.blocks,
            "state": {"values": copy.deepcopy(self.entered)},
            "errors": dict(self.errors),
            "hash": self.hash,
        }


class Views:
    """What is open, and what is published, for each person."""

    def __init__(self, feed: Feed, now: Clock) -> None:
        self._feed = feed
        self._now = now
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, person: str) -> list[View]:
        """The person's open modals, the top one last."""
        return list(self._stacks.get(person, ()))

    def home(self, person: str) -> View | None:
        """The person's App Home, once it was published."""
        return self._homes.get(person)

    def get(self, view_id: str) -> View | None:
        """An open modal or a published Home."""
        return next((view for view in self._all() if view.id == view_id), None)

    def by_external_id(self, external_id: str) -> View | None:
        """The view that the app named so."""
        return next((view for view in self._all() if view.content["external_id"] == external_id), None)

    def open(self, person: str, content: Json) -> View:
        """Show a modal; what was open before is gone without a word to the app."""
        self._refuse_duplicate(content)
        self.drop(person)
        return self._add(person, content, previous=None)

    def push(self, person: str, content: Json) -> View:
        """Show a modal on top of the open ones, of which there may be two."""
        stack = self._stacks.get(person, [])
        if len(stack) >= STACK_LIMIT:
            raise ApiError("push_limit_reached")
        self._refuse_duplicate(content)
        return self._add(person, content, previous=stack[-1])

    def update(self, view: View, content: Json, expected_hash: str | None = None) -> View:
        """Replace a view's content; what was entered stays where block and action IDs stay."""
        if expected_hash is not None and expected_hash != view.hash:
            raise ApiError("hash_conflict")
        self._refuse_duplicate(content, apart_from=view)
        view.content = stored_view(content)
        view.entered = carried_over(view.content["blocks"], view.entered)
        view.errors = {}
        view.hash = self._new_hash()
        self._feed.tell(
            "home_published" if view.is_home else "view_updated", person=view.person, view=view.view()
        )
        return view

    def publish(self, person: str, content: Json, expected_hash: str | None = None) -> View:
        """Show this Home from now on."""
        home = self._homes.get(person)
        if home is not None:
            return self.update(home, content, expected_hash)
        if expected_hash is not None:
            raise ApiError("hash_conflict")
        self._refuse_duplicate(content)
        home = self._homes[person] = self._make(person, content, previous=None)
        self._feed.tell("home_published", person=person, view=home.view())
        return home

    def close(self, view: View) -> None:
        """Take one modal away; the one below shows again."""
        self._stacks[view.person].remove(view)
        self._feed.tell("view_closed", person=view.person, view_id=view.id)

    def drop(self, person: str) -> None:
        """Take the whole stack away."""
        for view in reversed(self.stack(person)):
            self.close(view)

    def enter(self, view: View, block_id: str, action_id: str, held: Json) -> None:
        """Keep what the person entered in one element."""
        view.entered.setdefault(block_id, {})[action_id] = held
        self.touched(view)

    def complain(self, view: View, errors: dict[str, str]) -> None:
        """Show errors under the blocks; an empty dict takes them away."""
        view.errors = errors
        self.touched(view)

    def touched(self, view: View) -> None:
        """Tell onlookers that the view looks different."""
        self._feed.tell("view_updated", person=view.person, view=view.view())

    def _all(self) -> Iterator[View]:
        for stack in self._stacks.values():
            yield from stack
        yield from self._homes.values()

    def _refuse_duplicate(self, content: Json, apart_from: View | None = None) -> None:
        external_id = content.get("external_id")
        if external_id and self.by_external_id(external_id) not in (None, apart_from):
            raise ApiError("duplicate_external_id")

    def _add(self, person: str, content: Json, previous: View | None) -> View:
        view = self._make(person, content, previous)
        self._stacks.setdefault(person, []).append(view)
        self._feed.tell("view_opened", person=person, view=view.view())
        return view

    def _make(self, person: str, content: Json, previous: View | None) -> View:
        view_id = f"V0{secrets.token_hex(5).upper()}"
        view = View(view_id, person, stored_view(content), self._new_hash(), view_id)
        if previous is not None:
            view.root_view_id, view.previous_view_id = previous.root_view_id, previous.id
        view.entered = initial_state(view.content["blocks"])
        return view

    def _new_hash(self) -> str:
        return f"{int(self._now())}.{secrets.token_hex(4)}"
