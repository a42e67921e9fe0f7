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
KEPT_FOR = 2.0  # seconds after one was asked for that room for the next of its kind is kept
ANSWERS_PART = 4  # answers have this part of all sends while messages wait
_TICK = 0.001  # seconds; no wait is shorter, or rounding could make it none at all


@dataclass(slots=True)
class _Sends:
    """Sends that count: how many are under way, and when those of the last window ended."""

    under_way: int = 0
    ended: deque[float] = field(default_factory=deque)

    def free_at(self, now: float, most: int, window: float) -> float:
        """Return when fewer than `most` count, at the earliest."""
        too_many = self.under_way + len(self.ended) - most
        if too_many < 0:
            return now
        if too_many < len(self.ended):
            return self.ended[too_many] + window
        return now + window  # if what is under way were answered this moment

    def end(self, now: float) -> None:
        """One of them has been answered."""
        self.under_way -= 1
        self.ended.append(now)

    def forget(self, now: float, window: float) -> None:
        """Drop those that count no more."""
        while self.ended and self.ended[0] + window <= now:
            self.ended.popleft()


@dataclass(slots=True)
class _Kind:
    """Messages, or answers: at most `beside` count while the other kind is asked for."""

    beside: int
    sends: _Sends = field(default_factory=_Sends)
    asked_until: float = float("-inf")


class Pace:
    """One bot's limits: in every second, per private chat, per group, and what a 429 asks for.

    At most `per_second` sends in every sliding second, answers to commands included. Either
    kind may use them all while the other was not asked for lately. While both are, messages
    leave `reserved` to answers, and answers have no more than a quarter: when the power fails,
    everybody asks, and the messages say it.
    """

    def __init__(self, per_second: int = 28, reserved: int = 2) -> None:
        self._most = per_second
        self._messages = _Kind(max(1, per_second - reserved))
        self._answers = _Kind(max(1, reserved, per_second // ANSWERS_PART))
        self._all = _Sends()
        self._ended_where: deque[tuple[float, int]] = deque()  # within the last minute
        self._chats: dict[int, _Sends] = {}
        self._pauses: dict[int, float] = {}  # chat -> until
        self._pause_ends: list[tuple[float, int]] = []  # a heap; may hold what was prolonged
        self._all_paused_until = 0.0
        self._last_flood: tuple[float, int] | None = None

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
        own, other = self._of(answer=answer), self._of(answer=not answer)
        own.asked_until = now + KEPT_FOR
        free_at = max(self._all_paused_until, self._all.free_at(now, self._most, SECOND))
        if now < other.asked_until:
            kept = own.sends.free_at(now, own.beside, SECOND)
            free_at = max(free_at, min(kept, other.asked_until))
        return max(free_at - now, _TICK) if free_at > now else 0.0

    def began(self, chat: int, now: float, *, answer: bool = False) -> None:
        """Something is being sent; `answered` must follow, whatever becomes of it."""
        self._forget(now)
        here = self._chats.setdefault(chat, _Sends())
        for sends in (self._all, self._of(answer=answer).sends, here):
            sends.under_way += 1

    def answered(self, chat: int, now: float, *, answer: bool = False) -> None:
        """It has been answered, refused or given up; `answer` as when it began."""
        for sends in (self._all, self._of(answer=answer).sends, self._chats[chat]):
            sends.end(now)
        self._ended_where.append((now, chat))
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

    def _of(self, *, answer: bool) -> _Kind:
        return self._answers if answer else self._messages

    def _chat_free_at(self, chat: int, now: float, *, group: bool) -> float:
        paused_until = self._pauses.get(chat, now)
        known = self._chats.get(chat)
        if known is None:
            return paused_until
        most, window = (GROUP_SENDS, MINUTE) if group else (1, SECOND)
        return max(paused_until, known.free_at(now, most, window))

    def _forget(self, now: float) -> None:
        """Drop what counts no more: each send and each pause once."""
        for sends in (self._all, self._messages.sends, self._answers.sends):
            sends.forget(now, SECOND)
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
