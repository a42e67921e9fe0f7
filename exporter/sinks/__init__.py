"""Where rows are told. Import `exporter.sinks.influxdb` only when it is configured: 39 MiB."""
