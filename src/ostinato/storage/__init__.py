"""The only code that knows a backend: rows, blobs, tables and series, behind four narrow seams."""
