"""Foreign formats in, predictions, histories and runs out: one file per family."""
