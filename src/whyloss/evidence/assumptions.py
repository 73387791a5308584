"""What is assumed where a number is not known, each once for all rules."""

from __future__ import annotations

MOST_CLASSES = 1000  # what holds for so many holds for fewer, and few tasks have more
USUAL_CLASSES = (2, 10, 100, 1000)
ASSUMED_SAMPLES = 100  # fewer are rarely used

LITTLE_BETTER = 1.3  # times the accuracy of guessing, up to which little has been learnt
PERFECT_LOSS = 0.1  # nats; at an accuracy of 100 % less is what any training leaves
