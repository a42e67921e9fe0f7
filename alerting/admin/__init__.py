"""The pages at /admin/: who hears of outages, what was reported, and what was sent."""

from alerting.admin.access import PATH, admin_login
from alerting.admin.endpoint import admin_routes
from alerting.admin.sources import Sources

__all__ = ["PATH", "Sources", "admin_login", "admin_routes"]
