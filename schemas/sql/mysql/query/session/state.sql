-- Whether it takes no writes, and the largest statement that it takes, in bytes.
SELECT CAST(@@GLOBAL.read_only AS SIGNED), CAST(@@SESSION.max_allowed_packet AS SIGNED)
