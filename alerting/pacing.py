"""Owns when a message may be sent so that Telegram's limits hold; pure, sends nothing.

All times are seconds of one monotonic clock. Telegram counts a message when it arrives, which is
at some moment between `began` and `answered`: so a send counts from the one until a whole window
after the other. A chat is its id: all topics of a chat share its limits.
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush

SECOND = 1.0
MINUTE = 60.0
GROUP_SENDS = 20  # to one group or channel in any minute
ANSWERS_FOR = 2.0  # seconds after the last answer that room for the next is kept free
_TICK = 0.001  # seconds; no wait is shorter, or rounding could make it none at all


@dataclass(slots=True)
class _Chat:
    """What is going on in one chat, and what has ended there within the last minute."""

    under_way: int = 0
    ended: deque[float] = field(default_factory=deque)


class Pace:
    """One bot's limits: in every second, per private chat, per group, and what a 429 asks for.

    At most `per_second` sends in every sliding second, answers to commands included. While
    people talk to the bot, `reserved` of them are kept for answers; when nobody does, messages
    may use them all.
    """

    def __init__(self, per_second: int = 28, reserved: int = 2) -> None:
        self._most = per_second
        self._most_beside_answers = max(1, per_second - reserved)
        self._under_way = 0
        self._ended: deque[float] = deque()  # within the last second
        self._ended_where: deque[tuple[float, int]] = deque()  # within the last minute
        self._chats: dict[int, _Chat] = {}
        self._pauses: dict[int, float] = {}  # chat -> until
        self._pause_ends: list[tuple[float, int]] = []  # a heap; may hold what was prolonged
        self._all_paused_until = 0.0
        self._last_flood: tuple[float, int] | None = None
        self._answers_until = float("-inf")

    def __len__(self) -> int:
        """Return how many chats are remembered: those of the last minute, and paused ones."""
        return len(self._chats.keys() | self._pauses.keys())

    def wait(self, chat: int, group: bool, now: float, *, answer: bool = False) -> float:  # noqa: FBT001  the kind of chat goes with its id
        """Return 0 if a message may be sent to a chat now, else the seconds before it is no use.

        `group`: a group, a supergroup or a channel. `answer`: to somebody's command.
        Whoever has waited asks again: others may have come first.
        """
        wait = max(self.room(now, answer=answer), self._chat_free_at(chat, now, group=group) - now)
        return max(wait, _TICK) if wait > 0 else 0.0

    def room(self, now: float, *, answer: bool = False) -> float:
        """Return the same as far as it depends on no chat."""
        self._forget(now)
        if answer:
            self._answers_until = now + ANSWERS_FOR
        free_at = max(self._all_paused_until, self._free_at(now, self._most))
        if not answer and now < self._answers_until:
            kept = self._free_at(now, self._most_beside_answers)
            free_at = max(free_at, min(kept, self._answers_until))
        return max(free_at - now, _TICK) if free_at > now else 0.0

    def began(self, chat: int, now: float) -> None:
        """A message is being sent; `answered` must follow, whatever becomes of it."""
        self._forget(now)
        self._under_way += 1
        self._chats.setdefault(chat, _Chat()).under_way += 1

    def answered(self, chat: int, now: float) -> None:
        """It has been answered, refused or given up."""
        self._under_way -= 1
        self._ended.append(now)
        self._ended_where.append((now, chat))
        known = self._chats[chat]
        known.under_way -= 1
        known.ended.append(now)
        self._forget(now)

    def pause(self, chat: int, until: float) -> None:
        """Send nothing to a chat until then; a shorter pause than it has changes nothing."""
        if until > self._pauses.get(chat, float("-inf")):
            self._pauses[chat] = until
            heappush(self._pause_ends, (until, chat))

    def pause_all(self, until: float) -> None:
        """Send nothing at all until then; a shorter pause than there is changes nothing."""
        self._all_paused_until = max(self._all_paused_until, until)

    def flooded(self, chat: int, after: float, now: float) -> None:
        """A chat's send was answered 429 with a pause of `after` seconds.

        Another chat's within a second means that the limit was not the chat's own.
        """
        self.pause(chat, now + after)
        if self._last_flood is not None:
            last, where = self._last_flood
            if where != chat and now - last <= SECOND:
                self.pause_all(max(now + after, self._pauses.get(where, now)))
        self._last_flood = (now, chat)

    def _free_at(self, now: float, most: int) -> float:
        """Return when fewer than `most` sends count, at the earliest."""
        too_many = self._under_way + len(self._ended) - most
        if too_many < 0:
            return now
        if too_many < len(self._ended):
            return self._ended[too_many] + SECOND
        return now + SECOND  # if what is under way were answered this moment

    def _chat_free_at(self, chat: int, now: float, *, group: bool) -> float:
        paused_until = self._pauses.get(chat, now)
        known = self._chats.get(chat)
        if known is None:
            return paused_until
        most, window = (GROUP_SENDS, MINUTE) if group else (1, SECOND)
        ended = known.ended
        too_many = known.under_way + len(ended) - most
        if too_many < 0:
            return paused_until
        free_at = ended[too_many] + window if too_many < len(ended) else now + window
        return max(paused_until, free_at)

    def _forget(self, now: float) -> None:
        """Drop what counts no more: each send and each pause once."""
        while self._ended and self._ended[0] + SECOND <= now:
            self._ended.popleft()
        while self._ended_where and self._ended_where[0][0] + MINUTE <= now:
            _, chat = self._ended_where.popleft()
            known = self._chats[chat]
            known.ended.popleft()
            if not known.ended and not known.under_way:
                del self._chats[chat]
        while self._pause_ends and self._pause_ends[0][0] <= now:
            until, chat = heappop(self._pause_ends)
            if self._pauses.get(chat) == until:
                del self._pauses[chat]
