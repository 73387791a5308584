"""Names for places in the working memory of the kernels, and in the tables that they fill."""

from __future__ import annotations

NARROW = 64  # rows of up to so many columns are transposed
TILE = 128

# Sums over the classes of each row: places of TILE numbers.
PEAK, OWN, SECOND, REST, FIRST, SQUARE, SHARES = range(7)
"""
PEAK    largest logit
OWN     logit of the true class minus the peak
SECOND  largest logit of all classes but the top one, minus the peak
REST    sum of w = exp(logit minus the peak) over all classes but the top one
FIRST   the same sum of w times (logit minus the peak)
SQUARE  the same with its square
SHARES  the same sum of w squared
"""
FLOAT_SLOTS = 7
TRUE, TOP, RANK, CODE = range(4)
"""
TRUE    true class
TOP     class of the largest logit
RANK    rank of the true class
CODE    status of the row
"""
INTEGER_SLOTS = 4

# Rows of the table of results.
LOG_LOSS, CONFIDENCE, ENTROPY, VARIANCE, MARGIN, BRIER = range(6)
FIELDS = 6

# Sums over the rows of a fold at one temperature; WORST is the largest loss.
LOSS, GRADIENT, GAUSS_NEWTON, LOSS_SQUARED, GRADIENT_SQUARED, WORST = range(6)
MOMENTS = 6

# Temperatures at which a summary keeps these sums: OCTAVE of them for each doubling, and CHAIN
# doublings from one exponential.
OCTAVE, CHAIN = 3, 4
