SELECT count(*), CAST(coalesce(sum(size), 0) AS SIGNED) FROM object
