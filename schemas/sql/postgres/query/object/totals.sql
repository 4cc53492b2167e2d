SELECT count(*), coalesce(sum(size), 0)::bigint FROM object
