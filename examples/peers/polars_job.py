"""JSON lines, filter, three columns, JSON lines, by the streaming engine of Polars: INPUT OUTPUT."""

import sys

import polars as pl

source, target = sys.argv[1:]
schema = {
    "id": pl.Int64,
    "date": pl.String,
    "delay": pl.Int64,
    "distance": pl.Int64,
    "origin": pl.String,
    "destination": pl.String,
}
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
