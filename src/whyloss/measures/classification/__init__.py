"""Predictions against labels: precision, recall, thresholds, permuted classes."""
