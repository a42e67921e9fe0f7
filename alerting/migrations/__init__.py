"""Owns how a database comes to the newest tables: one file a revision in `versions`."""
