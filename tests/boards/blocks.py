"""Blocks of Prometheus' database, made by promtool of OpenMetrics text."""
import collections
import multiprocessing
import os
import signal
import subprocess
import tempfile

from timeline import BLOCK


# promtool has room, and would spend half of its time on collecting garbage.
COLLECTING = {"GOGC": "800"}


class Blocks:
    """Writes series into the folder of a database."""

    def __init__(self, promtool, timeline, folder):
        self.promtool, self.timeline, self.folder = promtool, timeline, folder

    def write(self, series):
        """Makes the blocks of all these series, two at a time."""
        global everything
        everything = self, list(series)
        twice = [key for key, count in collections.Counter(one.key for one in everything[1]).items() if count > 1]
        if twice:
            raise ValueError(f"these series are there twice: {twice}")
        # A copy of this process: the series need not be sent to it.
        with multiprocessing.get_context("fork").Pool(os.cpu_count(), alone) as pool:
            return sum(pool.map(write_one, self.timeline.blocks(), chunksize=1))

    def write_one(self, series, first, after):
        times = [f"{at}\n" for at in self.timeline.times[first:after]]
        count = 0
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent, suffix=".txt", buffering=1 << 20) as file:
            for one in series:
                for begin, end, value in one.spans(first, after):
                    line = f"{one.key} {value} "
                    file.write(line)
                    file.write(line.join(times[begin - first : end - first]))
                    count += end - begin
            file.write("# EOF\n")
            file.flush()
            if count:
                command = [self.promtool, "tsdb", "create-blocks-from", "--quiet", f"--max-block-duration={BLOCK}s", "openmetrics", file.name, self.folder]
                subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, env=os.environ | COLLECTING)
        return count


everything = None


def alone():
    """A worker ends when it is told to, without the handlers of the process that it is a copy of."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def write_one(border):
    blocks, series = everything
    return blocks.write_one(series, *border)
