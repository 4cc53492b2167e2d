"""Writes the golden files beside it with other implementations of the formats.

    python3 -m venv v && v/bin/pip install fastavro cramjam backports.zstd pyarrow protobuf grpcio-tools
    v/bin/python make.py

The files are committed: tests only read them.
"""

import datetime
import decimal
import pathlib

import fastavro
import pyarrow
import pyarrow.ipc

HERE = pathlib.Path(__file__).parent

AVRO = {
    "type": "record",
    "name": "Order",
    "namespace": "org.example",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "int"}},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2},
        },
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "key", "type": {"type": "fixed", "name": "Key", "size": 3}},
        {
            "name": "who",
            "type": {
                "type": "record",
                "name": "Who",
                "fields": [{"name": "name", "type": "string"}, {"name": "old", "type": "boolean"}],
            },
        },
        {"name": "last", "type": ["null", "Who"]},
    ],
}


def order(number):
    who = {"name": f"n{number}", "old": number % 2 == 0}
    return {
        "id": number - 2,
        "note": None if number % 3 == 0 else f"note {number} ü",
        "kind": "NEW" if number % 2 else "OLD",
        "tags": ["a", "b"][: number % 3],
        "counts": {"k": number} if number % 2 else {},
        "price": decimal.Decimal(number) - decimal.Decimal("1.25"),
        "at": datetime.datetime(2024, 2, 29, 12, 0, 0, number, datetime.timezone.utc),
        "day": datetime.date(1969, 12, 31),
        "key": b"k%02d" % number,
        "who": who,
        "last": who if number % 4 == 1 else None,
    }


def avro():
    for codec in ["null", "deflate", "snappy", "zstandard"]:
        with open(HERE / f"orders-{codec}.avro", "wb") as out:
            fastavro.writer(
                out,
                AVRO,
                [order(number) for number in range(5)],
                codec=codec,
                sync_interval=150,
                sync_marker=b"0123456789abcdef",
            )


def arrow():
    batch = pyarrow.record_batch(
        {
            "id": pyarrow.array([1, None, 3], pyarrow.uint64()),
            "text": pyarrow.array(["a", "ü", None]).dictionary_encode(),
            "tags": pyarrow.array([["x"], [], None]),
            "at": pyarrow.array([0, 1, -1], pyarrow.timestamp("us", "+00:00")),
            "who": pyarrow.array([{"name": "n"}, None, {"name": None}]),
            "long": pyarrow.array(["y" * 500] * 3, pyarrow.large_string()),
        }
    )
    for name, compression in [("plain", None), ("lz4", "lz4"), ("zstd", "zstd")]:
        options = pyarrow.ipc.IpcWriteOptions(compression=compression)
        for kind, opened in [("arrow", pyarrow.ipc.new_file), ("arrows", pyarrow.ipc.new_stream)]:
            with opened(HERE / f"rows-{name}.{kind}", batch.schema, options=options) as out:
                out.write_batch(batch)
                out.write_batch(batch)


PROTO = """
syntax = "proto3";
package org.example;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Order {
  enum Kind { NEW = 0; OLD = 1; }
  message Who { string name = 1; bool old = 2; }
  uint64 id = 1;
  optional string note = 2;
  Kind kind = 3;
  repeated string tags = 4;
  map<string, sint32> counts = 5;
  google.protobuf.Timestamp at = 6;
  Who who = 7;
  repeated Who others = 8;
  repeated int32 numbers = 9;
  bytes key = 10;
  oneof way { double weight = 11; Who by = 12; }
  fixed32 f32 = 13;
  sfixed64 s64 = 14;
  float f = 15;
  int64 i64 = 16;
  google.protobuf.Int32Value wrapped = 17;
  repeated Kind kinds = 18;
}
"""


def proto():
    import sys
    import tempfile

    from google.protobuf import timestamp_pb2
    from google.protobuf.internal.encoder import _VarintBytes
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        (path / "orders.proto").write_text(PROTO)
        include = pathlib.Path(protoc.__file__).parent / "_proto"
        descriptors = HERE / "orders.desc"
        arguments = [
            "protoc",
            f"-I{path}",
            f"-I{include}",
            "--include_imports",
            f"--descriptor_set_out={descriptors}",
            f"--python_out={path}",
            "orders.proto",
        ]
        assert protoc.main(arguments) == 0
        sys.path.insert(0, directory)
        import orders_pb2

        with open(HERE / "orders.pb", "wb") as out:
            for number in range(5):
                order = orders_pb2.Order(
                    id=2**64 - 1 - number,
                    kind=number % 2,
                    tags=["a", "ü"][: number % 3],
                    counts={"k": -number} if number % 2 else {},
                    at=timestamp_pb2.Timestamp(seconds=-1, nanos=number * 1000),
                    numbers=range(number),
                    key=b"\xff%d" % number,
                    f32=number,
                    s64=-number,
                    f=0.5,
                    i64=-(2**63),
                    kinds=[0, 1],
                )
                if number:
                    order.note = ""
                    order.who.name = f"n{number}"
                    order.others.add(old=True)
                    order.wrapped.value = number
                if number == 2:
                    order.weight = 1.5
                if number == 3:
                    order.by.name = "by"
                record = order.SerializeToString(deterministic=True)
                out.write(_VarintBytes(len(record)) + record)


avro()
arrow()
proto()
