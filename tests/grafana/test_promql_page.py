"""What docs/promql.md says can be pasted, and finds something."""

import re

import pytest

from grafana.__main__ import PROMQL_PAGE
from grafana.promql_page import pasted
from tests.grafana.past import END
from tests.grafana.promql import same
from tests.grafana.test_promql import QUERIES
from tests.history.recalled import Recalled
from tests.history.story import SECOND

PAGE = PROMQL_PAGE.read_text(encoding="utf-8")
BLOCKS = list(dict.fromkeys(re.findall(r"^```promql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)))
# What the exporter does not tell of homes alone, or only of probes: a running one is asked in
# tests/grafana/test_promql_live.py.
LIVE = re.compile(
    r"power_(exporter|alerting|probe)_|\b(up|process|python|prometheus|alertmanager|scrape)(_|\b)"
)


@pytest.mark.parametrize("query", range(len(BLOCKS)))
def test_what_is_pasted_finds_something(prometheus: Recalled, query: int) -> None:
    """In weeks of three homes, one of which is dark; whole days were over two days before."""
    text = BLOCKS[query]
    if LIVE.search(text):
        assert same(text)
        return
    moment = END - 5 * 86_400 * SECOND if "offset -1d" in text else END
    assert prometheus.at(text, moment // SECOND) != {}, text


def test_every_figure_of_a_home_is_told() -> None:
    """Each query of a number or a table of overview, home and reliability stands on the page."""
    figures = [q for q in QUERIES if q.panel.get("type") in ("stat", "table")]
    assert len(figures) > 50
    there = {block.strip() for block in BLOCKS}
    assert [str(q) for q in figures if pasted(q.text).strip() not in there] == []
