"""The prober: from a reading to a committed transition, a gauge and InfluxDB."""
