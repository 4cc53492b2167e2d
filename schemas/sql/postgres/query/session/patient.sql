-- For changes of the schema, which may take their time.
SET statement_timeout = 0;
SET lock_timeout = '60s';
