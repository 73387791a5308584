"""Known causes, planted and then diagnosed: how often whyloss is right, and how right its nats."""
