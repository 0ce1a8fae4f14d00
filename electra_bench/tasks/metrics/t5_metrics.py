"""The three metrics that t5 has as well: where it is installed, it computes them.

Nothing else imports t5. Its requirements replace the released seqio by nightlies, so the
project does not require it; the weighted metrics give the same numbers without it.
"""

import functools
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType

from electra_bench.tasks.metrics.weighted import (
    ListMetric,
    Metric,
    Scores,
    list_form,
)


@functools.cache
def library() -> tuple[ModuleType | None, str]:
    """t5's metrics, or None where they cannot be imported; and what there is to say."""
    try:
        # It loads TensorFlow, which reports do without.
        import t5.evaluation.metrics
    except Exception as error:  # a broken installation may raise anything
        return None, str(error)
    return t5.evaluation.metrics, t5.__version__


def by_t5(function: str, names: Mapping[str, str], metric: Metric) -> ListMetric:
    """The list form of a metric as t5 computes it; our own where t5 is absent.

    Args:
        function: of `t5.evaluation.metrics`.
        names: name of a score to t5's.
        metric: own code for the same scores.
    """
    own = list_form(metric)

    @functools.wraps(metric)
    def scores(targets: Sequence, predictions: Sequence) -> Scores:
        found, _ = library()
        # t5 has no correlation of less than two.
        if found is None or len(targets) < 2:
            return own(targets, predictions)
        with warnings.catch_warnings():
            # A correlation with a constant is NaN: said in the result, not in a warning.
            warnings.simplefilter("ignore")
            values = getattr(found, function)(targets, predictions)
        return {name: float(values[key]) for name, key in names.items()}

    return scores
