"""JSON lines, filter, three columns, JSON lines, by Flink's SQL with a parallelism of two: INPUT OUTPUT.

Streaming mode, objects reused, no checkpoints: nothing that it could be faster without.
"""

import os
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

source, target = (os.path.abspath(it) for it in sys.argv[1:3])
env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
settings = env.get_config()
settings.set("parallelism.default", "2")
settings.set("pipeline.object-reuse", "true")
columns = (
    "number BIGINT, `date` STRING, delay BIGINT, distance BIGINT, origin STRING, destination STRING"
)
more = "distance_km DOUBLE, route STRING, delay_class STRING"


def table(name, columns, path):
    env.execute_sql(
        f"CREATE TABLE {name} ({columns}) WITH "
        f"('connector' = 'filesystem', 'path' = 'file://{path}', 'format' = 'json')"
    )


table("flights", columns, source)
table("derived", f"{columns}, {more}", target)
env.execute_sql(
    """
    INSERT INTO derived
    SELECT *, ROUND(distance * CAST(1.609344 AS DOUBLE), 1), origin || '-' || destination,
        CASE WHEN delay < 15 THEN 'on time' WHEN delay < 60 THEN 'late' ELSE 'very late' END
    FROM flights WHERE delay >= 0
    """
).wait()
