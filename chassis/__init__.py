"""What both services stand on: configuration, logs, web server, clock and life cycle."""
