"""Owns the table of outages from InfluxDB, which more than one dashboard shows."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard as models

from grafana.kit.looks import OFF, ON, Word
from grafana.kit.panels import About, table_panel
from grafana.kit.queries import Flux
from grafana.kit.tables import Column, with_columns

# Grafana cuts an answer of InfluxDB at ten rows for each point that a panel asks for.
POINTS = 10_000
# An hour more on both sides of the outage: hidden columns of the table.
ITS_TIME = "from=${__data.fields.from}&to=${__data.fields.to}"

LASTED = Column("duration_s", "Lasted", unit="dtdurations", decimals=1)
STATE = Column(
    "ongoing", "State", words={"true": Word("OFF NOW", OFF), "false": Word("over", ON)}, width=90
)
ENDED = Column("end", "Ended", unit="dateTimeAsLocal", null="not yet")


def began(*links: models.DashboardLink) -> Column:
    """Return the column of beginnings."""
    return Column("start", "Began", unit="dateTimeAsLocal", links=links)


def outages_table(about: About, columns: Sequence[Column]) -> models.Panel:
    """Return the table, the newest first: these columns, then cause and bounds."""
    panel = table_panel(about, Flux("outages"))
    panel.max_data_points = POINTS
    rest = [
        Column("cause", "Cause"),
        Column("min_s", "At least", unit="dtdurations", decimals=1),
        Column("max_s", "At most", unit="dtdurations", decimals=1),
        Column("from", "from", hidden=True),
        Column("to", "to", hidden=True),
    ]
    return with_columns(panel, [*columns, *rest], first=[("Began", True)])
