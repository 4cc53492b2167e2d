-- A statement ends by itself before its caller gives up, so that its outcome is known. A session
-- that is paused inside a transaction is ended: it holds locks that others need.
SET statement_timeout = '4500ms';
SET lock_timeout = '4s';
SET idle_in_transaction_session_timeout = '3s';
SET default_transaction_isolation = 'read committed';
SET client_min_messages = 'warning';
SET jit = off;
-- Few statements, each planned once: planning an append takes longer than the append.
SET plan_cache_mode = force_generic_plan;
-- What is acknowledged is on the disk, whatever the server's default is.
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off';
