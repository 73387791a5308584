"""Logs of real frameworks, and how fast logs are read."""
