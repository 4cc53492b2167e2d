SELECT min(source) FROM item WHERE source > ?
