"""Owns how alerts that are no outages are told: what fires, since when, or that it is over."""

from collections.abc import Mapping

from alerting.times import Local, duration
from alerting.told import ToldNotice
from alerting.wording import Html, escaped, lines

SEVERITIES = ("critical", "warning", "info")
OWN_LABELS = ("alertname", "audience", "severity")
FAILED_TEMPLATE = "<error expanding template"


def happened(notice: ToldNotice) -> int:
    """Return when what is told happened (wall ms): the end of what is over, else the start."""
    if notice.firing or notice.ends_at is None:
        return notice.starts_at
    return notice.ends_at


def tell_notice(notice: ToldNotice, local: Local) -> Html:
    """Tell an alert, its fact in the first line; subscribers do not read its name."""
    name = _line(notice.labels.get("alertname", ""))
    summary = _summary(notice, local)
    for_admins = notice.labels.get("audience") != "subscribers"
    head = _firing if notice.firing else _over
    told = [head(notice, local, name if for_admins or not summary else "", summary)]
    if description := _annotation(notice.annotations, "description"):
        told.append(escaped(description))
    return lines(told)


def _firing(notice: ToldNotice, local: Local, name: str, summary: str) -> Html:
    severity = notice.labels.get("severity", "")
    mark = local.words.say(f"notice.{severity if severity in SEVERITIES else 'warning'}")
    time = local.time(notice.starts_at)
    if name and summary:
        return local.words.say("notice.named", mark=mark, time=time, name=name, summary=summary)
    return local.words.say("notice.plain", mark=mark, time=time, fact=name or summary)


def _over(notice: ToldNotice, local: Local, name: str, summary: str) -> Html:
    time, fact = local.time(happened(notice)), name or summary
    if notice.ends_at is None:
        over = local.words.say("notice.over_since", time=time, fact=fact)
    else:
        length = duration(local.words, notice.ends_at - notice.starts_at)
        over = local.words.say("notice.over", time=time, fact=fact, duration=length)
    if name and summary:
        return lines([over, escaped(summary)])
    return over


def _summary(notice: ToldNotice, local: Local) -> str | Html:
    summary = _line(_annotation(notice.annotations, "summary"))
    if not summary:
        others = sorted(set(notice.labels) - {*OWN_LABELS, "home"})
        summary = _line(", ".join(f"{label}={notice.labels[label]}" for label in others))
    if notice.place is None:
        return summary
    title = _line(notice.place.title)
    if title in summary:
        return summary
    return local.words.say("notice.home", title=title, text=summary) if summary else title


def _annotation(annotations: Mapping[str, str], key: str) -> str:
    text = annotations.get(key, "").strip()
    return "" if text.startswith(FAILED_TEMPLATE) else text


def _line(text: str) -> str:
    return " ".join(text.split())
