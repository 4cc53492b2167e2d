-- :names stands for as many claims as there are.
DELETE FROM item WHERE claim IN (:names) AND settled_at IS NOT NULL
