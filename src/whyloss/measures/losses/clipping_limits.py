"""Where frameworks clip probabilities, so that the logarithm of zero stays finite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClippingLimit:
    """The largest loss that one sample can have under some way of clipping.

    Attributes
    ----------
    log_loss : float
        Nats.
    where : str
        Which arithmetic has this limit, in words that follow "the largest loss of one sample".
    """

    log_loss: float
    where: str


# Each is -ln of a smallest probability as the arithmetic in question holds it: 1 - 1e-7 is
# 0.9999999 in float32 only to seven digits, so labels 0 and 1 have different limits.
CLIPPING_LIMITS = (
    ClippingLimit(16.118096, "where probabilities are clipped at 1e-7 in float32"),
    ClippingLimit(15.942385, "where probabilities are clipped at 1 − 1e-7 in float32"),
    ClippingLimit(15.424948, "with log(p + 1e-7) in float32"),
    ClippingLimit(15.333239, "with log(1 − p + 1e-7) in float32"),
    ClippingLimit(34.538776, "where probabilities are clipped at 1e-15"),
    ClippingLimit(36.043653, "where probabilities are clipped at the float64 rounding unit"),
    ClippingLimit(100.0, "in PyTorch's BCELoss"),
    ClippingLimit(87.336545, "where probabilities are clipped at the smallest normal float32"),
    ClippingLimit(16.635532, "with probabilities in float16"),
    ClippingLimit(9.704061, "where probabilities are clipped at 1 − 6e-5 in float16"),
    ClippingLimit(13.815511, "where probabilities are clipped at 1e-6"),
    ClippingLimit(18.420681, "where probabilities are clipped at 1e-8"),
    ClippingLimit(23.025851, "where probabilities are clipped at 1e-10"),
    ClippingLimit(27.631021, "where probabilities are clipped at 1e-12"),
)
