"""One diagnosis, many forms: one file per format."""
