"""The dashboards as code: `python -m grafana` writes grafana/dashboards/*.json from them."""
