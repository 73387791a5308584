"""Estimates with their intervals, trends, and best epochs."""
