"""The verb watch: a training while it runs."""
