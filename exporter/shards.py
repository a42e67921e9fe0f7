"""Owns which home belongs to which exporter, where several share the homes of one config; pure.

Rendezvous hashing: each shard has a number for each home, and the highest has the home. So the
answer depends on the name and the number of shards alone, and one more shard takes homes from
the others, a fair share in all, and moves none between them. **Never change how it is worked out**:
every exporter of an installation has to agree, also across releases.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

MOST_SHARDS = 1_000
_SHARD = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `of` exporters; `number` counts from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, home: str) -> bool:
        """Tell whether this exporter is the one that watches a home."""
        own = _weight(self.number, home)
        return all(_weight(other, home) <= own for other in range(1, self.of + 1))


def parse_shard(text: str) -> Shard:
    """Return the shard that a text such as `2/5` names; raises ValueError."""
    found = _SHARD.fullmatch(text)
    if found is None:
        raise ValueError(f"must be a shard such as 2/5, the second of five, not {text[:80]!r}")
    shard = Shard(int(found[1]), int(found[2]))
    if shard.of > MOST_SHARDS:
        raise ValueError(f"must be of at most {MOST_SHARDS} shards, not {shard.of}")
    if shard.number > shard.of:
        raise ValueError(f"must be one of 1/{shard.of} to {shard.of}/{shard.of}, not {shard}")
    return shard


def _weight(number: int, home: str) -> bytes:
    return sha256(f"{number}/{home}".encode()).digest()
