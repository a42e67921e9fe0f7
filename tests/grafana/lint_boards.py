"""Rules for a dashboard as a whole and for all of them together: names, variables, links.

A rule is a function from dashboards to what is wrong with them, a line each.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, urlsplit

from tests.grafana.dashboards import FOLDER, Dashboard, Json, named, texts

Boards = Sequence[Dashboard]
SOURCES = ("${prometheus}", "${influxdb}")
SCHEMAS = range(36, 43)  # 42: what the SDK writes; below 36 Grafana takes another way of migration
# ${r.home} is Flux's own, and $1 of a regular expression; both are no variables of Grafana.
USED = re.compile(r"\$\{(?P<braced>\w+)(:\w+)?\}|\$(?P<bare>[A-Za-z_]\w*)|\[\[(?P<old>\w+)\]\]")
OF_GRAFANA = re.compile(r"^(__\w+|timeFilter|v)$")
KEPT = "${__url_time_range}"
HIDDEN = 2  # a variable that the dashboard does not show


def every_datasource_is_a_variable(boards: Boards) -> list[str]:
    """Panels, queries, annotations and variables name `${prometheus}` or `${influxdb}`."""
    return [
        f"{board.uid}: datasource {source}"
        for board in boards
        for source in _datasources(board)
        if not (isinstance(source, dict) and source.get("uid") in SOURCES)
    ]


def _datasources(board: Dashboard) -> Iterator[object]:
    own = {**board.document, "annotations": {"list": board.annotations}}
    yield from named(own, "datasource")
    for query in board.queries:
        if not query.kind:
            yield f"none in {query}"


def no_datasource_is_asked_for_on_import(boards: Boards) -> list[str]:
    """There is no `__inputs`: provisioned files are not imported by hand."""
    return [
        f"{board.uid}: {key}"
        for board in boards
        for key in ("__inputs", "__requires", "__elements", "id")
        if board.document.get(key) is not None
    ]


def uids_and_titles_are_unique(boards: Boards) -> list[str]:
    """Grafana leaves out the second one silently. All begin with what the project is about."""
    twice = [
        f"{what}: {value} {count} times"
        for what, values in (
            ("uid", [board.uid for board in boards]),
            ("title", [board.title for board in boards]),
        )
        for value, count in Counter(values).items()
        if count > 1 or not value
    ]
    other = [
        f"uid: {b.uid} is not the name of {b.name}" for b in boards if f"{b.uid}.json" != b.name
    ]
    return twice + other


def no_title_is_that_of_its_folder(boards: Boards) -> list[str]:
    """Grafana skips such a dashboard. Folders of the file system are folders of Grafana."""
    folders = {"general", *(path.name.lower() for path in FOLDER.glob("**/") if path != FOLDER)}
    folders |= {FOLDER.name.lower()}
    return [f"{board.uid}: {board.title}" for board in boards if board.title.lower() in folders]


def every_dashboard_says_what_it_is_for(boards: Boards) -> list[str]:
    """A description of some words, and a tag by which the others find it."""
    return [
        f"{board.uid}: no description, or no tag"
        for board in boards
        if len(str(board.document.get("description", "")).split()) < 5
        or not board.document.get("tags")
    ]


def crosshair_and_time_zone_are_shared(boards: Boards) -> list[str]:
    """One moment is shown in all panels, in the time zone of whoever looks."""
    return [
        f"{board.uid}: graphTooltip or timezone"
        for board in boards
        if board.document.get("graphTooltip") != 1 or board.document.get("timezone") != "browser"
    ]


def the_schema_is_one_that_grafana_reads(boards: Boards) -> list[str]:
    """Grafana 10 to 13 read it."""
    return [
        f"{board.uid}: schemaVersion {board.document.get('schemaVersion')}"
        for board in boards
        if board.document.get("schemaVersion") not in SCHEMAS
    ]


def nothing_stands_in_the_controls_menu(boards: Boards) -> list[str]:
    """The SDK would hide links and annotations there."""
    return [
        f"{board.uid}: inControlsMenu"
        for board in boards
        if "inControlsMenu" in {*named(board.document, "placement"), *texts(board.document)}
        or any(True for _ in named(board.document, "inControlsMenu"))
    ]


def variables_that_are_used_are_there(boards: Boards) -> list[str]:
    """A typing error would be asked for as it stands."""
    return [
        f"{board.uid}: ${name}"
        for board in boards
        for name in sorted(_used(board) - board.variables.keys())
    ]


def variables_that_are_there_are_used(boards: Boards) -> list[str]:
    """One that changes nothing is a riddle."""
    return [
        f"{board.uid}: ${name}"
        for board in boards
        for name in sorted(board.variables.keys() - _used(board))
    ]


def _used(board: Dashboard) -> set[str]:
    matches = (match for text in texts(board.document) for match in USED.finditer(text))
    names = {match["braced"] or match["bare"] or match["old"] for match in matches}
    return {name for name in names if not OF_GRAFANA.match(name)}


def variables_of_homes_have_all(boards: Boards) -> list[str]:
    """A choice of several has All, which matches whatever there is; a choice of one has not."""
    return [
        f"{board.uid}: {name}"
        for board in boards
        for name, one in board.variables.items()
        if one["type"] == "query" and (bool(one.get("multi")), one.get("allValue")) not in _CHOICES
    ]


_CHOICES = ((True, ".*"), (False, None))


# ---------------------------------------------------------------- links


def links_lead_to_dashboards_that_are_there(boards: Boards) -> list[str]:
    """A link within this Grafana leads to one of the uids, or to all with a tag."""
    uids = {board.uid for board in boards}
    tags = {tag for board in boards for tag in board.document.get("tags", [])}
    wrong = [
        f"{board.uid}: {link.get('title')}: {link.get('url')}"
        for board, link in _links(boards)
        if link.get("url") and _target(link) not in uids and not _is_elsewhere(link)
    ]
    return wrong + [
        f"{board.uid}: {link.get('title')}: tags {link.get('tags')}"
        for board, link in _links(boards)
        if not link.get("url") and not (link.get("tags") and set(link["tags"]) <= tags)
    ]


def links_keep_the_time(boards: Boards) -> list[str]:
    """Whoever follows one goes on looking at the same hours."""
    return [
        f"{board.uid}: {link.get('title')}: {link.get('url')}"
        for board, link in _links(boards)
        if not _is_elsewhere(link)
        and KEPT not in str(link.get("url"))
        and not link.get("keepTime")
        and "from=" not in str(link.get("url"))
    ]


def links_keep_the_datasources(boards: Boards) -> list[str]:
    """Whoever follows one goes on asking the same servers, and about the same homes.

    A hidden variable follows from the others: the dashboard that has it works it out anew.
    """
    there = {board.uid: board for board in boards}
    return [
        f"{board.uid}: {link.get('title')} does not keep {name}"
        for board, link in _links(boards)
        if not _is_elsewhere(link) and not link.get("includeVars")
        for name in board.variables.keys() & there.get(_target(link), board).variables.keys()
        if not _hands_on(name, str(link.get("url")))
        and there.get(_target(link), board).variables[name].get("hide") != HIDDEN
    ]


def links_set_variables_that_are_there(boards: Boards) -> list[str]:
    """What a link sets is a variable of the dashboard that it leads to."""
    there = {board.uid: board for board in boards}
    return [
        f"{board.uid}: {link.get('title')} sets {name}"
        for board, link in _links(boards)
        if (target := there.get(_target(link)))
        for name in _set_by(str(link.get("url")))
        if name not in target.variables
    ]


def _links(boards: Boards) -> Iterable[tuple[Dashboard, Json]]:
    for board in boards:
        for links in named(board.document, "links", "dataLinks"):
            yield from ((board, link) for link in links)
        for override in named(board.document, "properties"):
            yield from (
                (board, link)
                for one in override
                if one.get("id") == "links"
                for link in one.get("value", [])
            )


def _target(link: Json) -> str:
    match = re.match(r"^/d/([\w-]+)", str(link.get("url", "")))
    return match[1] if match else ""


def _is_elsewhere(link: Json) -> bool:
    return str(link.get("url", "")).startswith(("http://", "https://"))


def _hands_on(name: str, url: str) -> bool:
    return f"${{{name}:queryparam}}" in url or f"var-{name}=" in url or "${__all_variables}" in url


def _set_by(url: str) -> set[str]:
    query = urlsplit(url.replace("&${", "&x=${")).query
    keys = {key for key, _ in parse_qsl(query, keep_blank_values=True) if key.startswith("var-")}
    handed = set(re.findall(r"\$\{(\w+):queryparam\}", url))
    return {key.removeprefix("var-") for key in keys} | handed
