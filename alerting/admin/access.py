"""Owns who may use the pages: the password made for `admin`, and that forms are the pages' own."""

import hmac
import logging
import secrets
from collections.abc import Mapping
from hashlib import sha256

from aiohttp import web

from alerting.config import AlertingSettings
from chassis.logs import SecretFilter
from chassis.problems import Problem
from chassis.secrets import SecretUnreadable, exposure, made_secret
from chassis.service import StartFailed
from chassis.web import Login, same_token

log = logging.getLogger(__name__)

PATH = "/admin/"
USER = "admin"
PASSWORD_FILE = "admin_password"  # noqa: S105  a file's name
FORM = "application/x-www-form-urlencoded"


def admin_login(settings: AlertingSettings, hidden: SecretFilter) -> Login:
    """Return the login for where no web.config.file names users; its password is added to `hidden`.

    It is made where it is missing. Raises StartFailed where nobody else could open the pages.
    """
    path = settings.data_dir / PASSWORD_FILE
    try:
        password = made_secret(path)
    except SecretUnreadable as fault:
        if settings.web_config_file is None:
            raise StartFailed(str(fault)) from fault
        log.warning("%s: only users of the web.config.file open %s", fault, PATH)
        return Login(USER, None)
    hidden.add([password])
    if exposed := exposure(path):
        log.warning("%s", exposed)
    return Login(USER, password)


class Forms:
    """Tells forms that a page of ours sent from what a page elsewhere makes a browser send.

    A browser says from where it comes. What says nothing (no browser of today) must bring the
    token that stands in the form.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def token(self, user: str) -> str:
        """Return what a user's forms hold, until the next start."""
        return hmac.new(self._key, user.encode("utf-8", "replace"), sha256).hexdigest()

    async def read(self, request: web.Request, user: str) -> Mapping[str, str]:
        """Return the fields of a form of ours; raises the Problem for anything else."""
        if request.content_type != FORM:
            raise Problem(415, detail=f"a form is expected: {FORM}")
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None and site != "same-origin":
            raise Problem(403, detail="the form is not of this page")
        fields = {name: str(value) for name, value in (await request.post()).items()}
        # A foreign Origin does not come this far: any that is here is our own.
        says = site is not None or "Origin" in request.headers
        if not says and not same_token(fields.get("token"), self.token(user)):
            raise Problem(403, detail="the form is too old, or not of this page: open it again")
        return fields
