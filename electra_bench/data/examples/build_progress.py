"""How building a corpus shows that it is getting on."""

from rich.progress import DownloadColumn, TextColumn, TransferSpeedColumn

from electra_bench.data.text.streams import ReadReport
from electra_bench.system.progress import ProgressDisplay


class BuildProgress(ProgressDisplay):
    """Shows bytes read, examples made and the time left."""

    def __init__(self, name: str, report: ReadReport):
        """Starts the clock.

        Args:
            name: what is built.
            report: what the reader counts.
        """
        made = TextColumn("{task.fields[examples]:,} examples")
        columns = DownloadColumn(), TransferSpeedColumn(), made
        super().__init__(f"examples of {name}", *columns, total=None, examples=0)
        self._report = report

    def update(self, num_examples: int) -> None:
        """Shows the state."""
        report, elapsed = self._report, self.elapsed
        read = report.read_bytes / max(report.total_bytes, 1)
        left = elapsed * (1 - read) / read if read else float("nan")
        self.show(
            f"{100 * read:.1f} % read  {num_examples:,} examples  "
            f"{report.text_bytes / 1e6 / elapsed:.1f} MB/s  eta {left:,.0f} s",
            total=report.total_bytes or None,
            completed=report.read_bytes,
            examples=num_examples,
        )
