"""Losses of single samples, and what a reported loss can be."""
