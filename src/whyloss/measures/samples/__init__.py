"""Which samples: aligned between epochs, and assigned to folds."""
