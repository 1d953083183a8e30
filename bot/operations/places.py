"""Where the bot listens, and where what it says would be read by another organisation."""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from bot.operations.model import Gesture, Refusal


class Readers(StrEnum):
    """Who reads what stands in a channel."""

    OWN = "own"
    OTHERS = "others"  # another organisation too, now or once it accepts the invitation
    UNKNOWN = "unknown"


class Conversations(Protocol):
    """What is known of conversations; implemented by the room that knows the chat platform. Never raises."""

    async def is_with_bot(self, channel_id: str) -> bool:
        """Whether the bot is one of the two in a conversation of two; False where nobody can say."""
        ...

    async def is_member(self, channel_id: str) -> bool:
        """Whether the bot is in the channel, and can post there; False where nobody can say."""
        ...

    async def readers(self, channel_id: str) -> Readers:
        """Return who reads what stands in the channel."""
        ...


class Places:
    """The settings' `allowed_channels`, and what the chat platform says of the others.

    A channel that the settings name is as they want it. Where they name none the bot listens everywhere, but
    what another organisation would read is neither done nor asked for nor shown.
    """

    def __init__(self, allowed_channels: Collection[str], conversations: Conversations) -> None:
        self._allowed = allowed_channels
        self._conversations = conversations

    async def refusal(self, gesture: Gesture, *, for_everybody: bool) -> Refusal | None:
        """Return why this cannot be asked for where the gesture was made, if so.

        `for_everybody`: what comes of it is for all who read there; without it, for the person alone.
        """
        channel_id = gesture.channel_id
        if channel_id is None or not (self._allowed or for_everybody):
            return None
        if channel_id in self._allowed:
            return None
        if gesture.is_direct and await self._conversations.is_with_bot(channel_id):
            return None
        return await self.refusal_for_everybody(channel_id)

    async def refusal_for_everybody(self, channel_id: str) -> Refusal | None:
        """Return why nothing is done there for all to read, if so; what cannot be read counts as theirs."""
        if self._allowed:
            return None if channel_id in self._allowed else Refusal.CHANNEL
        match await self._conversations.readers(channel_id):
            case Readers.OWN:
                return None
            case Readers.OTHERS:
                return Refusal.SHARED_CHANNEL
            case Readers.UNKNOWN:
                return Refusal.CHANNEL_UNREADABLE

    async def is_posted_to(self, channel_id: str, *, is_direct: bool) -> bool:
        """Whether the bot can post there unasked: in its channels, and in its own conversations of two."""
        if is_direct:
            return await self._conversations.is_with_bot(channel_id)
        return await self._conversations.is_member(channel_id)

    async def first_of_our_own(self, channels: Collection[str]) -> str | None:
        """Return the first of the channels in which something may be done for all to read."""
        for channel_id in channels:
            if await self.refusal_for_everybody(channel_id) is None:
                return channel_id
        return None
