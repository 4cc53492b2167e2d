"""JSON lines, filter, three columns, JSON lines, by Pathway: INPUT OUTPUT. It takes PATHWAY_THREADS."""

import sys

import pathway as pw

source, target = sys.argv[1:3]


class Flight(pw.Schema):
    number: int
    date: str
    delay: int
    distance: int
    origin: str
    destination: str


flights = pw.io.jsonlines.read(source, schema=Flight, mode="static")
kept = flights.filter(flights.delay >= 0)
rows = kept.select(
    *pw.this,
    distance_km=(pw.this.distance * 1.609344).num.round(1),
    route=pw.this.origin + "-" + pw.this.destination,
    delay_class=pw.if_else(
        pw.this.delay < 15, "on time", pw.if_else(pw.this.delay < 60, "late", "very late")
    ),
)
pw.io.jsonlines.write(rows, target)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
