"""Columnar tables: Parquet on blobs, Arrow in and out, SQL by DuckDB."""
