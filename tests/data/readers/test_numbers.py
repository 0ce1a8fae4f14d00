"""Numbers of files, which TensorFlow reads, too."""

import pytest
import tensorflow as tf

from electra_bench.data.readers.numbers import parsed_number
from electra_bench.data.readers.tables import within


@pytest.mark.parametrize(
    "text", ["5", "-1.5", "+.5", "5.", "2e3", "1E-2", " 5 ", "5\t"]
)
def test_both_parsers_read_the_same(text):
    found = tf.strings.to_number(text, tf.float64).numpy()
    assert parsed_number(text) == found == float(text)


@pytest.mark.parametrize(
    "text", ["1_000", "١٢", "５", "0x10", "nan", "inf", "1,5", "\xa05", "", "e3", "--1"]
)
def test_what_one_of_them_would_read_differently_is_refused(text):
    with pytest.raises(ValueError, match="is not a number; expected one such as -1.5"):
        parsed_number(text)
    with pytest.raises(ValueError, match="label .* is not a number"):
        within(0.0, 2000.0)(text)
