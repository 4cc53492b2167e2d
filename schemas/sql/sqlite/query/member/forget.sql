DELETE FROM cluster_member WHERE uid = ?1
