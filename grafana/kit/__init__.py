"""What every dashboard is built from. It knows Grafana's models; the dashboards know only it."""
