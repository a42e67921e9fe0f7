"""Owns which secrets the stack of docker-compose.yml has, and which of its containers has a copy.

Pure: it says what is to be written where, and writes nothing. A copy is named CONSUMER/NAME.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Collection, Mapping

# Each line is one secret: all its copies are alike. Where two differ, the first that is there
# counts: that of the container which lets others in.
SECRETS: tuple[tuple[str, ...], ...] = (
    ("alerting/webhook_token", "alertmanager/webhook_token", "exporter/webhook_token"),
    ("grafana/admin_password",),
    ("influxdb/admin_password",),
    ("influxdb/admin_token", "influxdb-tokens/admin_token"),
    ("mosquitto/password", "exporter/mqtt_password"),
    ("postgres/password", "alerting/postgres_password"),
)
OPERATOR_TOKEN = "influxdb/admin_token"  # noqa: S105  the name of a copy
# Begins as a copy of the operator's token, so that the exporter starts without InfluxDB; then
# `power-status influxdb-tokens` puts one in its place that may do less. So it is made, not mended.
WRITE_TOKEN = "exporter/influxdb_token"  # noqa: S105  as above
MQTT_PASSWORD = "mosquitto/password"  # noqa: S105  as above
MQTT_PASSWORDS = "mosquitto/passwords"
MQTT_USER = "power"

_SALT_BYTES = 12  # Mosquitto 2.0 takes no other
_ITERATIONS = 101  # Mosquitto's own number; what is hashed here is random, and cannot be guessed


def to_write(
    there: Mapping[str, str],
    consumers: Collection[str],
    new: Callable[[], str],
    salt: Callable[[int], bytes],
) -> dict[str, str]:
    """Return the copies that are missing or differ, by name, with what they must hold.

    `there` is what is there, an empty text counts as nothing; `consumers` are those that are to
    have copies; `new` makes a secret and `salt` that many random bytes.
    """
    held = {copy: text for copy, text in there.items() if text}
    for secret in SECRETS:
        copies = [copy for copy in secret if consumer_of(copy) in consumers]
        if copies:
            text = next((held[copy] for copy in copies if copy in held), None) or new()
            held.update(dict.fromkeys(copies, text))
    if OPERATOR_TOKEN in held and consumer_of(WRITE_TOKEN) in consumers:
        held.setdefault(WRITE_TOKEN, held[OPERATOR_TOKEN])
    if MQTT_PASSWORD in held:
        held[MQTT_PASSWORDS] = with_user(
            held.get(MQTT_PASSWORDS, ""), MQTT_USER, held[MQTT_PASSWORD], salt
        )
    return {copy: text for copy, text in held.items() if there.get(copy) != text}


def consumer_of(copy: str) -> str:
    """Return whose copy it is."""
    return copy.partition("/")[0]


def names_of_all() -> list[str]:
    """Return the name of every copy that is made here."""
    return [*(copy for secret in SECRETS for copy in secret), WRITE_TOKEN, MQTT_PASSWORDS]


# ---------------------------------------------------------------- Mosquitto's password file


def with_user(text: str, user: str, password: str, salt: Callable[[int], bytes]) -> str:
    """Return Mosquitto's password file with that password of that user; other users stay.

    Without a newline at the end, as what it is given.
    """
    others = []
    for line in text.splitlines():
        name, _, entry = line.partition(":")
        if name != user:
            others.append(line)
        elif _opens(entry, password):
            return text
    return "\n".join([f"{user}:{_entry(password, salt(_SALT_BYTES))}", *others])


def _entry(password: str, salt: bytes, iterations: int = _ITERATIONS) -> str:
    """Spell a password as Mosquitto does: $7$, PBKDF2 with SHA-512."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${b64encode(salt).decode()}${b64encode(key).decode()}"


def _opens(entry: str, password: str) -> bool:
    match entry.split("$"):
        case ["", "7", iterations, salt, _] if iterations.isascii() and iterations.isdigit():
            try:
                return entry == _entry(password, b64decode(salt), int(iterations))
            except (NotBase64, ValueError, OverflowError):
                return False
    return False
