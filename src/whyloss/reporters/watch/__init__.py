"""A training while it runs, in the terminal and in the browser."""
