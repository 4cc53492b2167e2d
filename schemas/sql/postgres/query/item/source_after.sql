SELECT min(source) FROM item WHERE source > $1
