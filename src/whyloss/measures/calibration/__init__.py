"""Temperatures, other calibrations, and what they leave."""
