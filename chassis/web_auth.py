"""Owns who may ask: basic auth against bcrypt hashes or one secret, bearer tokens. Reads no file.

A bcrypt check costs tens of milliseconds: it runs in a thread, once for each pair of
user and password, and what it found is remembered under a keyed hash.
"""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from aiohttp import web

from chassis.secrets import Secret

REMEMBERED = 256  # pairs of each kind, right and wrong
WAITING = 64  # checks that may be under way or wait for a thread
WRONG_WAITS = 0.5  # seconds until a wrong password of a service's own is answered
LONGEST_HEADER = 2_048  # characters of an Authorization header that is looked at
_BCRYPT_BYTES = 72  # bcrypt itself knows no more of a password

USER = web.RequestKey("user", str)


class TooManyChecks(Exception):
    """More passwords wait for their check than is reasonable."""


class PasswordChecks:
    """Checks passwords against bcrypt hashes, off the event loop, and remembers the outcomes."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right = _Recent(REMEMBERED)
        self._wrong = _Recent(REMEMBERED)
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def check(self, users: Mapping[str, str], header: str | None) -> str | None:
        """Return the user that a header names with a right password, or None.

        A user that does not exist takes as long as one that does. Raises TooManyChecks.
        """
        credentials = read_basic(header)
        if credentials is None or not users:
            return None
        user, password = credentials
        hash_, exists = self._hash_for(users, user)
        digest = self._digest(user, password, hash_)
        if self._right.has(digest):
            matches = True
        elif self._wrong.has(digest):
            matches = False
        else:
            matches = await self._shared_check(digest, password, hash_)
            (self._right if matches and exists else self._wrong).remember(digest)
        return user if matches and exists else None

    def _hash_for(self, users: Mapping[str, str], user: str) -> tuple[str, bool]:
        """Return the user's hash; for one that does not exist always the same other user's."""
        hash_ = users.get(user)
        if hash_ is not None:
            return hash_, True
        hashes = sorted(users.values())
        place = blake2b(user.encode("utf-8", "replace"), key=self._key, digest_size=8).digest()
        return (hashes[int.from_bytes(place) % len(hashes)] if hashes else ""), False

    def _digest(self, user: str, password: str, hash_: str) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        for part in (user, password, hash_):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(4))
            digest.update(encoded)
        return digest.digest()

    async def _shared_check(self, digest: bytes, password: str, hash_: str) -> bool:
        """Check once, however many requests wait for it and whichever of them goes away."""
        running = self._running.get(digest)
        if running is None:
            if len(self._running) >= WAITING:
                raise TooManyChecks
            if self._threads is None:
                self._threads = ThreadPoolExecutor(2, thread_name_prefix="bcrypt")
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, _matches, password, hash_)
            self._running[digest] = running
            running.add_done_callback(lambda _: self._running.pop(digest, None))
        return await asyncio.shield(running)

    def close(self) -> None:
        """Give the threads back."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


class Login:
    """The one user of a service that no web.config.file gives users; its password is no hash."""

    def __init__(
        self, user: str, password: Secret | None, *, wrong_waits: float = WRONG_WAITS
    ) -> None:
        """Without a password nobody is let in; a wrong one is answered after so many seconds."""
        self._user = user
        self._wrong_waits = wrong_waits
        self._password = "" if password is None else password.reveal()

    async def check(self, header: str | None) -> str | None:
        """Return the user if a header names it with its password; else, after a moment, None."""
        credentials = read_basic(header)
        if credentials is None:
            return None
        user, password = credentials
        # Both are compared: how long it takes tells neither of them.
        if same_token(user, self._user) & same_token(password, self._password):
            return user
        await asyncio.sleep(self._wrong_waits)
        return None


class _Recent:
    """The digests used last, a bounded number of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def has(self, digest: bytes) -> bool:
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True

    def remember(self, digest: bytes) -> None:
        self._digests[digest] = None
        if len(self._digests) > self._most:
            self._digests.popitem(last=False)


def _matches(password: str, hash_: str) -> bool:
    import bcrypt  # noqa: PLC0415  only a service with basic_auth_users needs it

    try:
        clear = password.encode("utf-8", "surrogatepass")[:_BCRYPT_BYTES]
        return bcrypt.checkpw(clear, hash_.encode())
    except ValueError:  # no bcrypt hash, or a NUL in the password
        return False


def read_basic(header: str | None) -> tuple[str, str] | None:
    """Return user and password of an Authorization header, or None if it holds none."""
    if header is None or len(header) > LONGEST_HEADER:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        clear = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = clear.partition(":")
    return (user, password) if colon else None


def user_of(request: web.Request) -> str | None:
    """Return who asked: a user of the web.config.file, the `Login`'s, or None for anybody."""
    return request.get(USER)


def bearer_of(request: web.Request) -> str | None:
    """Return the token of `Authorization: Bearer …`, or None."""
    header = request.headers.get("Authorization")
    if header is None or len(header) > LONGEST_HEADER:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def same_token(given: str | None, right: str) -> bool:
    """Compare tokens in a time that does not tell where they differ; an empty one is no token."""
    if not given or not right:
        return False
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass")
    )
