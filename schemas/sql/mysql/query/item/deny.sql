-- :names stands for as many claims as there are.
UPDATE item SET status = 'denied', settled_at = ?
WHERE claim IN (:names) AND status = 'waiting'
