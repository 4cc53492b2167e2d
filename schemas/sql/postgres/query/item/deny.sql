UPDATE item SET status = 'denied', settled_at = $1
WHERE claim = ANY ($2::text[]) AND status = 'waiting'
