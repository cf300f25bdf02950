"""Series of measured points: a tail as it arrives, the latest of every key, and compacted chunks; on rows."""
