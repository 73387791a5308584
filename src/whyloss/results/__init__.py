"""What whyloss answers: frozen rows without behaviour, which verbs fill and reporters read."""
