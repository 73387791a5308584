"""Summaries of more data than fits into memory; one file per engine."""
