-- One at a time. 5843 stands for Weir.
SELECT 1::bigint FROM (SELECT pg_advisory_lock(5843)) AS locked
