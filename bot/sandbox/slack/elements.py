"""What a client knows of interactive elements: where they stand, what is written on them, what they hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.sandbox.slack.errors import GestureImpossible
from bot.sandbox.slack.snapshot import Json

Form = Literal["text", "option", "options"]


@dataclass(frozen=True, slots=True)
class _Holding:
    key: str  # in `state.values` and in `actions[0]`
    initial: str
    form: Form
    is_external: bool = False


_HOLDINGS = {
    "plain_text_input": _Holding("value", "initial_value", "text"),
    "number_input": _Holding("value", "initial_value", "text"),
    "static_select": _Holding("selected_option", "initial_option", "option"),
    "external_select": _Holding("selected_option", "initial_option", "option", is_external=True),
    "radio_buttons": _Holding("selected_option", "initial_option", "option"),
    "checkboxes": _Holding("selected_options", "initial_options", "options"),
    "multi_static_select": _Holding("selected_options", "initial_options", "options"),
    "multi_external_select": _Holding("selected_options", "initial_options", "options", is_external=True),
    "datepicker": _Holding("selected_date", "initial_date", "text"),
    "timepicker": _Holding("selected_time", "initial_time", "text"),
    "datetimepicker": _Holding("selected_date_time", "initial_date_time", "text"),
}
_STATELESS = ("button", "overflow")
INTERACTIVE = frozenset(_HOLDINGS) | frozenset(_STATELESS)


@dataclass(frozen=True, slots=True)
class Placed:
    """An interactive element and the block it stands in."""

    block: Json
    element: Json

    @property
    def block_id(self) -> str:
        """The block's ID, which Slack invents where the app gave none."""
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        """The element's ID, which Slack invents where the app gave none."""
        return str(self.element["action_id"])

    @property
    def type(self) -> str:
        """The element's type."""
        return str(self.element["type"])

    @property
    def is_pressed(self) -> bool:
        """Whether it is a button or an overflow menu, which hold nothing."""
        return self.type in _STATELESS

    @property
    def is_silent(self) -> bool:
        """Whether the app hears of a change only at the submission."""
        return self.block["type"] == "input" and not self.block.get("dispatch_action", False)


def placed(blocks: Sequence[Json]) -> Iterator[Placed]:
    """Every interactive element of a surface, top to bottom."""
    for block in blocks:
        yield from (Placed(block, element) for element in _elements(block) if element["type"] in INTERACTIVE)


def _elements(block: Json) -> Iterator[Json]:
    match block["type"]:
        case "section":
            yield from (block["accessory"],) if "accessory" in block else ()
        case "actions":
            yield from block["elements"]
        case "input":
            yield block["element"]
        case _:
            return


def find(blocks: Sequence[Json], block_id: str | None, action_id: str) -> Placed:
    """The element with these IDs; `GestureImpossible` when it isn't there, or more than one is."""
    found = [
        place
        for place in placed(blocks)
        if place.action_id == action_id and (block_id is None or place.block_id == block_id)
    ]
    if len(found) != 1:
        raise GestureImpossible(f"{len(found)} elements {action_id!r} stand there")
    return found[0]


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


def initial_state(blocks: Sequence[Json]) -> Json:
    """`state.values` of a surface nobody has touched."""
    values: Json = {}
    for place in placed(blocks):
        holding = _HOLDINGS.get(place.type)
        if holding is None:
            continue
        empty: Any = [] if holding.form == "options" else None
        held = {"type": place.type, holding.key: place.element.get(holding.initial, empty)}
        values.setdefault(place.block_id, {})[place.action_id] = held
    return values


def carried_over(blocks: Sequence[Json], before: Json) -> Json:
    """`state.values` after an update: what was entered stays where both IDs (and the type) stay."""
    values = initial_state(blocks)
    for block_id, actions in values.items():
        for action_id, held in actions.items():
            old = before.get(block_id, {}).get(action_id)
            if old is not None and old["type"] == held["type"]:
                actions[action_id] = old
    return values


def enter(place: Placed, value: Any) -> Json:
    """What the element holds once a person has entered this value; `{}` for buttons and overflow menus."""
    holding = _HOLDINGS.get(place.type)
    if holding is None:
        return {}
    return {"type": place.type, holding.key: _entered(place, holding, value)}


def _entered(place: Placed, holding: _Holding, value: Any) -> Any:
    if value is None:
        return [] if holding.form == "options" else None
    match holding.form:
        case "option":
            return value if holding.is_external else option(place.element, value)
        case "options":
            return list(value) if holding.is_external else [option(place.element, each) for each in value]
        case "text":
            return value


def option(element: Json, wanted: str) -> Json:
    """The option with this value, or else this label; `GestureImpossible` when the menu has none."""
    options = list(element.get("options", ()))
    for group in element.get("option_groups", ()):
        options += group["options"]
    for each in options:
        if wanted in (each.get("value"), each["text"]["text"]):
            return dict(each)
    raise GestureImpossible(f"the menu {element['action_id']!r} has no {wanted!r}")


def action(place: Placed, value: Any) -> Json:
    """The entry of `actions` that a gesture on this element sends, without its time."""
    entry: Json = {"type": place.type, "action_id": place.action_id, "block_id": place.block_id}
    entry |= {key: place.element[key] for key in ("placeholder", "style", "confirm") if key in place.element}
    if place.type == "overflow":
        return entry | {"selected_option": option(place.element, value)}
    if place.type in _STATELESS:
        return entry | {key: place.element[key] for key in ("text", "value", "url") if key in place.element}
    return entry | enter(place, value)


def problems_before_submit(blocks: Sequence[Json], values: Json) -> dict[str, str]:
    """What the client itself complains about before it submits, by block."""
    problems = {}
    for place in placed(blocks):
        if place.block["type"] != "input":
            continue
        held = values[place.block_id][place.action_id]
        content = held[_HOLDINGS[place.type].key]
        if not content:
            if not place.block.get("optional", False):
                problems[place.block_id] = "Please complete this required field."
        elif (problem := _problem(place.element, content)) is not None:
            problems[place.block_id] = problem
    return problems


def _problem(element: Json, content: Any) -> str | None:
    match element["type"]:
        case "plain_text_input":
            return _text_problem(element, content)
        case "number_input":
            return _number_problem(element, content)
    most = element.get("max_selected_items")
    return f"Please choose at most {most} options." if most is not None and len(content) > most else None


def _text_problem(element: Json, content: str) -> str | None:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if len(content) < least:
        return f"Please enter at least {least} characters."
    return f"Please enter at most {most} characters." if len(content) > most else None


def _number_problem(element: Json, content: str) -> str | None:
    try:
        number = float(content)
    except ValueError:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if number < float(element.get("min_value", "-inf")) or number > float(element.get("max_value", "inf")):
        return "Please enter a number in the allowed range."
    return None
