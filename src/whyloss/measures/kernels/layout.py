"""How a tile of rows lies in the working memory of a kernel: one lane per row, slot by slot.

One flat array with offsets known at compile time: only so does LLVM see that slots do not overlap.
"""

from __future__ import annotations

LANES = 64
NARROW = 64  # up to so many columns, rows are turned into lanes; wider ones fill the lanes alone

# Slots of floats.
PEAK, OWN, SECOND, REST, FIRST, SQUARE, SHARES, BETA = range(8)
"""
PEAK    largest logit
OWN     logit of the true class, below the peak
SECOND  largest logit but that of the true class, below the peak
REST    sum of w = exp(below the peak), without the peak itself
FIRST   sum of w times the logit below the peak
SQUARE  the same with its square
SHARES  sum of w squared, without the peak itself
BETA    inverse temperature, by which all of these are scaled where there is one
"""
FLOAT_SLOTS = 8

# Slots of whole numbers.
TRUE, TOP, RANK, STATUS = range(4)
WHOLE_SLOTS = 4

# Results: slots of floats that take the place of the sums, and rows of the table of results.
LOG_LOSS, CONFIDENCE, ENTROPY, VARIANCE, MARGIN, BRIER = range(6)
FIELDS = 6

# What a temperature sums up over the rows of a fold.
LOSS, GRADIENT, GAUSS_NEWTON, LOSS_SQUARED, GRADIENT_SQUARED, WORST = range(6)
MOMENTS = 6
