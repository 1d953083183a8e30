"""Finding what a person would press by what is written on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.sandbox.slack.elements import Placed, placed
from bot.sandbox.slack.errors import GestureImpossible
from bot.sandbox.slack.snapshot import Json


@dataclass(frozen=True, slots=True)
class Pressable:
    """A button, or an entry of an overflow menu."""

    place: Placed
    label: str
    option: Json | None = None

    @property
    def value(self) -> str | None:
        """What `activates` takes for it."""
        return None if self.option is None else self.option.get("value", self.label)


def pressables(blocks: Sequence[Json]) -> list[Pressable]:
    """Everything that can be pressed, top to bottom."""
    found = []
    for place in placed(blocks):
        if place.type == "button":
            found.append(Pressable(place, place.element["text"]["text"]))
        elif place.type == "overflow":
            found += [Pressable(place, each["text"]["text"], each) for each in place.element["options"]]
    return found


def labelled(blocks: Sequence[Json], label: str, block_id: str | None = None) -> Pressable:
    """The one thing that bears this label; `GestureImpossible` when there is none, or several."""
    everything = pressables(blocks)
    found = [
        each
        for each in everything
        if each.label == label and (block_id is None or each.place.block_id == block_id)
    ]
    if len(found) != 1:
        labels = [each.label for each in everything]
        raise GestureImpossible(f"{len(found)} things are labelled {label!r} among {labels}")
    return found[0]
