"""The relay: from an alert to a committed incident, and a message in every chat it concerns."""
