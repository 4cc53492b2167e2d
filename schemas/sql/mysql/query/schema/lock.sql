-- One at a time; within a minute, or not at all.
SELECT coalesce(CAST(GET_LOCK('weir.schema', 60) AS SIGNED), 0)
