"""Owns what people and programs see of the exporter over HTTP, but for metrics."""
