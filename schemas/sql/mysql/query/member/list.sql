-- One statement: version and members are of the same moment. Without members there is one row.
SELECT c.version, m.uid, m.body FROM cluster c LEFT JOIN cluster_member m ON true ORDER BY m.uid
