"""Names for places in the working memory of the kernels, and in the tables that they fill."""

from __future__ import annotations

NARROW = 64  # up to so many columns, sixteen rows fill the lanes; wider ones fill them alone

# What is known of a row before its classes are summed, and the sums: places of LANES numbers.
PEAK, OWN, SECOND, REST, FIRST, SQUARE, SHARES = range(7)
"""
PEAK    largest logit
OWN     logit of the true class, below the peak
SECOND  largest logit but that of the top class, below the peak
REST    sum of w = exp(below the peak), without the peak itself
FIRST   sum of w times the logit below the peak
SQUARE  the same with its square
SHARES  sum of w squared, without the peak itself
"""
FLOAT_SLOTS = 7
TRUE, TOP, RANK = range(3)
WHOLE_SLOTS = 3

# Rows of the table of results.
LOG_LOSS, CONFIDENCE, ENTROPY, VARIANCE, MARGIN, BRIER = range(6)
FIELDS = 6

# What a temperature sums up over the rows of a fold.
LOSS, GRADIENT, GAUSS_NEWTON, LOSS_SQUARED, GRADIENT_SQUARED, WORST = range(6)
MOMENTS = 6

# Temperatures at which a summary keeps these: so many for each doubling, and so many doublings
# from one exponential.
OCTAVE, CHAIN = 3, 4
