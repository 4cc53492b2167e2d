-- :names stands for as many names as there are.
DELETE FROM item WHERE source = ? AND name IN (:names) AND settled_at IS NOT NULL
