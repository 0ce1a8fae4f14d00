"""What is known of a task and of a run, as frozen dataclasses and JSON."""

from electra_bench.records.prediction import (
    Prediction,
    read_predictions,
    write_predictions,
)
from electra_bench.records.run_record import (
    RecordError,
    RunRecord,
    TaskResult,
    find_records,
    read_record,
    write_record,
)
from electra_bench.records.task_card import PublishedMean, Reference, TaskCard

__all__ = [
    "Prediction",
    "PublishedMean",
    "RecordError",
    "Reference",
    "RunRecord",
    "TaskCard",
    "TaskResult",
    "find_records",
    "read_predictions",
    "read_record",
    "write_predictions",
    "write_record",
]
