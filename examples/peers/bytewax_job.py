"""JSON lines, filter, three columns, JSON lines, by Bytewax: INPUT OUTPUT.

Two processes with half of the file each, whole chunks of lines at a time and orjson: as fast as it gets
without leaving the language.
"""

import multiprocessing
import os
import sys

import orjson
from bytewax import operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

CHUNK = 1 << 20


class Lines(StatelessSourcePartition):
    """Lines that begin within a range of a file, a chunk at a time."""

    def __init__(self, path, start, end):
        self.file = open(path, "rb")
        self.end = end
        if start:
            self.file.seek(start - 1)
            self.file.readline()

    def next_batch(self):
        left = self.end - self.file.tell()
        if left <= 0:
            raise StopIteration
        return [self.file.readlines(min(left, CHUNK))]


class Half(DynamicSource):
    def __init__(self, path, start, end):
        self.range = (path, start, end)

    def build(self, step_id, worker_index, worker_count):
        return Lines(*self.range)


class Written(StatelessSinkPartition):
    def __init__(self, path):
        self.file = open(path, "wb")

    def write_batch(self, items):
        self.file.writelines(items)

    def close(self):
        self.file.flush()


class File(DynamicSink):
    def __init__(self, path):
        self.path = path

    def build(self, step_id, worker_index, worker_count):
        return Written(self.path)


def derived(lines):
    out = []
    for line in lines:
        row = orjson.loads(line)
        delay = row["delay"]
        if delay < 0:
            continue
        row["distance_km"] = round(row["distance"] * 1.609344, 1)
        row["route"] = row["origin"] + "-" + row["destination"]
        row["delay_class"] = "on time" if delay < 15 else "late" if delay < 60 else "very late"
        out.append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return [b"".join(out)]


def work(source, start, end, target):
    flow = Dataflow("job")
    lines = op.input("read", flow, Half(source, start, end))
    rows = op.flat_map("derive", lines, derived)
    op.output("write", rows, File(target))
    run_main(flow)


if __name__ == "__main__":
    source, target = sys.argv[1:3]
    size = os.path.getsize(source)
    halves = [(0, size // 2, f"{target}.0"), (size // 2, size, f"{target}.1")]
    processes = [multiprocessing.Process(target=work, args=(source, *half)) for half in halves]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
