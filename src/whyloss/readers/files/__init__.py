"""Files and data frames to curves, predictions and runs."""
