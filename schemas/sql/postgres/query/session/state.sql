-- Whether it takes no writes; no bound of its own on the size of a row that we would reach.
SELECT (pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on')::int::bigint,
    1073741823::bigint
