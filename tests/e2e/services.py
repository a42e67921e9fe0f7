"""More of an exporter's life than its start and stop: signals, reloads, a disk without room."""

import os
import resource
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import bcrypt
import requests

from tests.e2e.exporters import Exporter, wait_for

_ANY = resource.RLIM_INFINITY


class Service(Exporter):
    """An exporter that is asked for more than to run."""

    def hang_up(self) -> None:
        """Send SIGHUP."""
        os.kill(self.pid, signal.SIGHUP)

    def reload(self) -> None:
        """Write the config, send SIGHUP, and wait until it was taken."""
        before = self.reloads()
        self.write_config()
        self.hang_up()
        wait_for(lambda: self.reloads() > before)

    def reloads(self) -> int:
        """Return how many reloads the log tells of since the last start."""
        return self.output().count('msg="the config was reloaded"')

    def fill_disk(self) -> None:
        """Let no file grow beyond 1 KiB: to the journal that is a full disk."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (1024, _ANY))

    def free_disk(self) -> None:
        """Give the room back."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (_ANY, _ANY))


class Guarded(Service):
    """An exporter with a web.config.file, which is asked as one of its users."""

    def __init__(
        self, folder: Path, homes: str, user: tuple[str, str], *, ca_file: Path | None = None
    ) -> None:
        """With `ca_file` it is expected to speak TLS; web.yml is for the test to write."""
        super().__init__(folder, homes, "  web_config_file: web.yml")
        self.user = user
        self._ca_file = ca_file

    @property
    def url(self) -> str:
        """The address that a client's certificate check expects."""
        return f"{'https' if self._ca_file else 'http'}://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, user: tuple[str, str] | None) -> requests.Response:
        """Ask as a user, or as nobody."""
        with requests.Session() as session:
            session.trust_env = False
            session.verify = True if self._ca_file is None else str(self._ca_file)
            return session.request(method, self.url + path, auth=user, timeout=10)

    def get(self, path: str, **params: str | int) -> Any:  # noqa: ANN401  a JSON document
        """GET a JSON document."""
        query = urlencode(params)
        answer = self.ask("GET", f"{path}?{query}" if query else path, self.user)
        answer.raise_for_status()
        return answer.json()

    def metrics(self) -> str:
        """GET /metrics as text."""
        answer = self.ask("GET", "/metrics", self.user)
        answer.raise_for_status()
        return answer.text

    def _answers(self) -> bool:
        try:
            answer = self.ask("GET", "/-/ready", self.user)
        except requests.RequestException:
            return False
        return answer.ok and self._started.poll() is None


def bcrypted(user: tuple[str, str]) -> str:
    """Return the line of basic_auth_users for a user, as cheap as bcrypt can be."""
    hashed = bcrypt.hashpw(user[1].encode(), bcrypt.gensalt(4)).decode()
    return f"  {user[0]}: '{hashed}'\n"
