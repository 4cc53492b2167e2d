DELETE FROM item_sweep WHERE ended_at < $1
