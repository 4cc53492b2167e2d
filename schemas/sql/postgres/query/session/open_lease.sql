-- As for other sessions, but leases are renewed every few seconds: there is less time.
SET statement_timeout = '1200ms';
SET lock_timeout = '1s';
SET idle_in_transaction_session_timeout = '3s';
SET default_transaction_isolation = 'read committed';
SET client_min_messages = 'warning';
SET jit = off;
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off';
