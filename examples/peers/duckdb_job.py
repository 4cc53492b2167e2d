"""JSON lines, filter, three columns, JSON lines, by DuckDB on two threads: INPUT OUTPUT FIELDS."""

import sys

import duckdb

source, target, fields = sys.argv[1:]
numbers = ("number", "delay", "distance")
columns = {name: "BIGINT" if name in numbers else "VARCHAR" for name in fields.split(",")}
con = duckdb.connect()
con.execute("SET threads = 2")
con.execute("SET preserve_insertion_order = false")
con.execute(
    f"""
    COPY (
        SELECT *,
            round(distance * 1.609344, 1) AS distance_km,
            origin || '-' || destination AS route,
            CASE WHEN delay < 15 THEN 'on time' WHEN delay < 60 THEN 'late' ELSE 'very late' END
                AS delay_class
        FROM read_json('{source}', format = 'newline_delimited', columns = {columns})
        WHERE delay >= 0
    ) TO '{target}' (FORMAT json)
    """
)
