SELECT min(source) FROM item
