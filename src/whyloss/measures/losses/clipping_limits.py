"""Where frameworks cut the loss off, so that the logarithm of zero stays finite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ceiling:
    """The most that one sample can cost.

    Attributes
    ----------
    log_loss : float
        Nats.
    where : str
        Words for whose ceiling it is, to follow "the most that one can cost".
    """

    log_loss: float
    where: str


# Each is -ln of a smallest probability as the arithmetic in question holds it: 1 - 1e-7 is
# 0.9999999 in float32 only to seven digits, so labels 0 and 1 have different ceilings.
CEILINGS = (
    Ceiling(16.118096, "where probabilities are clipped at 1e-7 in float32"),
    Ceiling(15.942385, "where probabilities are clipped at 1 − 1e-7 in float32"),
    Ceiling(15.424948, "with log(p + 1e-7) in float32"),
    Ceiling(15.333239, "with log(1 − p + 1e-7) in float32"),
    Ceiling(34.538776, "where probabilities are clipped at 1e-15"),
    Ceiling(36.043653, "where probabilities are clipped at the float64 rounding unit"),
    Ceiling(100.0, "in PyTorch's BCELoss"),
    Ceiling(16.635532, "with probabilities in float16"),
    Ceiling(9.704061, "where probabilities are clipped at 1 − 6e-5 in float16"),
    Ceiling(13.815511, "where probabilities are clipped at 1e-6"),
    Ceiling(18.420681, "where probabilities are clipped at 1e-8"),
    Ceiling(23.025851, "where probabilities are clipped at 1e-10"),
    Ceiling(27.631021, "where probabilities are clipped at 1e-12"),
)
