"""Text of logs to curves."""
