"""The umbrella command: both services in one process, and questions to a running exporter."""
