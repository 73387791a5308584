"""How a summary is made of more than fits into memory; one file per engine."""
