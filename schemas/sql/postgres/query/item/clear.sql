UPDATE item SET status = 'pending', cleared_at = $1
WHERE claim = ANY ($2::text[]) AND status = 'waiting'
