"""Names of time zones: those that exist, and the host's own."""

from pathlib import Path

import pytest

from chassis.timezones import check_timezone, host_timezone


@pytest.mark.parametrize("name", ["Europe/Kyiv", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_has_a_name(name: str) -> None:
    """Of the IANA's database."""
    assert check_timezone(name) == name


@pytest.mark.parametrize(
    "name, suggested",
    [
        ("Europe/Kyiw", "Europe/Kyiv"),
        ("europe/kyiv", "Europe/Kyiv"),
        ("Europe/Berlim", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
    ],
)
def test_a_misspelled_name_is_refused_with_the_one_that_was_meant(
    name: str, suggested: str
) -> None:
    """As far as that can be guessed."""
    with pytest.raises(ValueError, match=f"unknown time zone '{name}'; did you mean {suggested}?"):
        check_timezone(name)


@pytest.mark.parametrize(
    "name", ["", "Mars", "Europe", "/etc/passwd", "../../etc/passwd", "a\0b", "x" * 5000]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    """A folder, a path out of the database and nonsense alike; a message stays a line."""
    with pytest.raises(ValueError, match="unknown time zone") as refused:
        check_timezone(name)
    assert len(str(refused.value)) < 150


@pytest.fixture
def localtime(tmp_path: Path) -> Path:
    """Link a local time as Linux does."""
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    return link


@pytest.mark.parametrize("tz", ["Europe/Kyiv", ":Europe/Kyiv"])
def test_the_environment_names_the_hosts_time_zone(localtime: Path, tz: str) -> None:
    """It is asked first, as by the C library."""
    assert host_timezone({"TZ": tz}, localtime) == "Europe/Kyiv"


@pytest.mark.parametrize("environ", [{}, {"TZ": ""}, {"TZ": "EET-2EEST,M3.5.0/3,M10.5.0/4"}])
def test_local_time_leads_to_the_hosts_time_zone(localtime: Path, environ: dict[str, str]) -> None:
    """Unless the environment names one."""
    assert host_timezone(environ, localtime) == "Asia/Tokyo"


def test_a_host_that_does_not_say_is_in_utc(tmp_path: Path) -> None:
    """A missing link, a copy without a name, and a link to nowhere known."""
    assert host_timezone({}, tmp_path / "missing") == "UTC"
    (tmp_path / "copy").write_bytes(b"TZif2")
    assert host_timezone({}, tmp_path / "copy") == "UTC"
    (tmp_path / "odd").symlink_to("/usr/share/zoneinfo/Mars/Olympus")
    assert host_timezone({}, tmp_path / "odd") == "UTC"
