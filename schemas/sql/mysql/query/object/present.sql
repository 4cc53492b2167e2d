-- :names stands for as many digests as there are.
SELECT digest FROM object WHERE digest IN (:names)
