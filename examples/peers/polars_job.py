"""JSON lines, filter, three columns, JSON lines, by the streaming engine of Polars: INPUT OUTPUT FIELDS."""

import sys

import polars as pl

source, target, fields = sys.argv[1:]
numbers = ("number", "delay", "distance")
schema = {name: pl.Int64 if name in numbers else pl.String for name in fields.split(",")}
(
    pl.scan_ndjson(source, schema=schema)
    .filter(pl.col("delay") >= 0)
    .with_columns(
        (pl.col("distance") * 1.609344).round(1).alias("distance_km"),
        (pl.col("origin") + "-" + pl.col("destination")).alias("route"),
        pl.when(pl.col("delay") < 15)
        .then(pl.lit("on time"))
        .when(pl.col("delay") < 60)
        .then(pl.lit("late"))
        .otherwise(pl.lit("very late"))
        .alias("delay_class"),
    )
    .sink_ndjson(target)
)
