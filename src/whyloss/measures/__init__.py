"""Arrays in, arrays out: every number that whyloss says, with its interval."""
