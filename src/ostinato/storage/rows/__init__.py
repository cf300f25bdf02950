"""Metadata in a relational database: one seam, `Rows`; one member per database."""
