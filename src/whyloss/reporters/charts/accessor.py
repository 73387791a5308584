"""The charts of a report one by one, for notebooks, papers and slides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.errors import DataError
from whyloss.formatting import format_ranges
from whyloss.reporters.charts import curves, samples
from whyloss.reporters.charts.primitives import COLOURS

if TYPE_CHECKING:
    import altair as alt

    from whyloss.results.diagnosis import Diagnosis

WIDTH = 480  # pixels; .properties(width=...) changes it

_CURVES = "loss and accuracy of several epochs"
_PREDICTIONS = "the predictions, with their labels"
_RUN = "the predictions of at least two epochs over the same samples"


class Charts:
    """The charts of a diagnosis, each as an Altair chart.

    Each can be shown in a notebook, changed like any other chart, and saved without a browser:
    ``d.charts.waterfall().save("waterfall.svg")``, or ``.png``, ``.pdf``, ``.html``, ``.json``.

    Parameters
    ----------
    diagnosis : Diagnosis
    """

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._diagnosis = diagnosis

    def __repr__(self) -> str:
        """Name the charts that there are."""
        names = [name for name in vars(type(self)) if not name.startswith("_")]
        return f"<charts of {self._diagnosis.source}: {', '.join(names)}>"

    def waterfall(self) -> alt.LayerChart:
        """Steps from the loss at one epoch to the loss at another."""
        return _alone("waterfall", curves.waterfall(self._diagnosis), _RUN)

    def reference_losses(self) -> alt.LayerChart:
        """The loss and its reference values."""
        needs = "a loss, and an accuracy or the number of classes"
        return _alone("reference_losses", curves.reference_losses(self._diagnosis), needs)

    def epochs(self) -> alt.LayerChart:
        """Loss, and loss after calibration, per epoch."""
        return _alone("epochs", curves.epochs(self._diagnosis), _CURVES)

    def shares(self) -> alt.LayerChart:
        """Accuracy per epoch; of binary tasks precision and recall too."""
        return _alone("shares", curves.shares(self._diagnosis), _CURVES)

    def histogram(self, epoch: int | None = None) -> alt.LayerChart:
        """Losses of single samples at an epoch, the last one if none is named."""
        self._check(epoch)
        return _alone("histogram", samples.histogram(self._diagnosis, epoch=epoch), _PREDICTIONS)

    def reliability(self, epoch: int | None = None) -> alt.LayerChart:
        """How often predictions of some confidence are right, before and after the temperature."""
        self._check(epoch)
        return _alone(
            "reliability", samples.reliability(self._diagnosis, epoch=epoch), _PREDICTIONS
        )

    def migration(self, epoch: int | None = None) -> alt.LayerChart:
        """What samples that broke, were fixed or stayed as they were add to the change."""
        self._check(epoch)
        return _alone(
            "migration",
            samples.migration(self._diagnosis, epoch=epoch),
            f"{_RUN}, and an epoch other than the first of them",
        )

    def confusion(self) -> alt.LayerChart:
        """Labels against predictions; of many classes the pairs that are confused most."""
        return _alone("confusion", samples.confusion(self._diagnosis), _PREDICTIONS)

    def _check(self, epoch: int | None) -> None:
        views = self._diagnosis.views
        if epoch is None or views is None:
            return
        known = [view.epoch for view in views.views]
        if epoch not in known:
            raise DataError(
                f"Epoch {epoch} has no chart",
                expected=f"one of {format_ranges(known)}",
                got=f"{epoch}",
            )


def _alone(name: str, chart: alt.LayerChart | None, needs: str) -> alt.LayerChart:
    if chart is None:
        raise DataError(
            f"There is nothing to draw in the {name}",
            expected=needs,
            got="less than that",
            hint="d.open_questions has the lines that log more.",
        )
    # On paper of its own: pictures with see-through colours come out grey otherwise.
    alone: alt.LayerChart = chart.properties(width=WIDTH, background=COLOURS["paper"])
    return alone
