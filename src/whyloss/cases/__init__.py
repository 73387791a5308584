"""The cases that whyloss was made for, as runnable demonstrations on real data."""
