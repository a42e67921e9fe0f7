"""Which exporter has which home: the same for ever, in fair shares, with few moves."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import load
from exporter.shards import MOST_SHARDS, Shard, parse_shard

NAMES = [f"home-{number}" for number in range(3_000)]

# The homes of an installation stay where they are only as long as this table holds. A change
# that breaks it moves homes between the exporters of everybody who shards: do not make it.
FOR_EVER = {
    "flat": (2, 3, 3, 3),
    "cottage": (2, 2, 4, 8),
    "office": (2, 3, 5, 5),
    "dacha": (1, 1, 4, 4),
    "garage": (2, 2, 2, 2),
    "bakery": (1, 1, 1, 8),
    "school-7": (1, 3, 5, 7),
}
SIZES = (2, 3, 5, 8)

HOMES = "homes:\n" + "".join(
    f"  - {{name: {name}, probes: [{{kind: simulated}}]}}\n" for name in FOR_EVER
)


def shard_of(home: str, of: int) -> int:
    """Return the number of the one shard that has a home."""
    (number,) = (number for number in range(1, of + 1) if Shard(number, of).has(home))
    return number


def watched(shard: str) -> tuple[list[str], int]:
    """Return which homes an exporter of this shard watches, and how many it does not."""
    Path("config.yaml").write_text(f"{HOMES}exporter:\n  shard: {shard}\n", encoding="utf-8")
    config = load(["config.yaml"]).config
    return [home.name for home in config.homes], config.elsewhere


@pytest.mark.parametrize("home", FOR_EVER)
def test_a_home_has_the_same_shard_for_ever(home: str) -> None:
    """On every machine, and in every release."""
    assert tuple(shard_of(home, of) for of in SIZES) == FOR_EVER[home]


@pytest.mark.parametrize("of", SIZES)
def test_the_shares_are_fair(of: int) -> None:
    """Within four standard deviations of a fair draw."""
    counts = Counter(shard_of(home, of) for home in NAMES)
    fair = len(NAMES) / of
    spread = 4 * (fair * (1 - 1 / of)) ** 0.5
    assert all(abs(counts[number] - fair) < spread for number in range(1, of + 1))


@pytest.mark.parametrize("of", [1, 2, 4, 7])
def test_one_more_shard_takes_its_share_and_moves_nothing_else(of: int) -> None:
    """Who moves, moves to the new one."""
    moved = [home for home in NAMES if shard_of(home, of) != shard_of(home, of + 1)]
    assert {shard_of(home, of + 1) for home in moved} == {of + 1}
    assert len(moved) / len(NAMES) == pytest.approx(1 / (of + 1), abs=0.04)


@given(st.text(min_size=1, max_size=63), st.integers(1, 20))
def test_every_home_has_exactly_one_shard(home: str, of: int) -> None:
    """None is watched twice, and none is forgotten."""
    assert 1 <= shard_of(home, of) <= of


@pytest.mark.parametrize("text", ["1/1", "2/5", "1000/1000"])
def test_a_shard_is_spelled_as_it_is_read(text: str) -> None:
    """The log says what the config says."""
    assert str(parse_shard(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "1", "/", "1/", "/1", "0/1", "2/1", "1/0", "01/2", "1/02", "+1/2", "-1/2", "1/2/3",
     "1 / 2", "1/2\n", " 1/2", "1.0/2", "a/b", "\u0662/\u0665", f"1/{MOST_SHARDS + 1}", "1/99999"],
)  # fmt: skip
def test_anything_else_is_no_shard(text: str) -> None:
    """Two spellings of one shard, or a shard that cannot be, would be mistakes."""
    with pytest.raises(ValueError, match=r"^must be "):
        parse_shard(text)


def test_an_exporter_watches_the_homes_of_its_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together the exporters watch each home once, in the config's order."""
    monkeypatch.chdir(tmp_path)
    assert watched("1/3") == (["dacha", "bakery"], 5)
    assert watched("2/3") == (["cottage", "garage"], 5)
    assert watched("3/3") == (["flat", "office", "school-7"], 4)
    assert watched("1/1") == (list(FOR_EVER), 0)


def test_the_log_tells_how_much_of_the_config_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator sees at the start that it is a part, and which."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(HOMES + "exporter: {shard: 2/3}\n", encoding="utf-8")
    assert load(["config.yaml"]).config.extent() == {"homes": 2, "of": 7, "shard": "2/3"}
    Path("config.yaml").write_text(HOMES, encoding="utf-8")
    assert load(["config.yaml"]).config.extent() == {"homes": 7}
