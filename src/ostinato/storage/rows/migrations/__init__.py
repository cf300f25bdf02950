"""The changes to the tables since the first release: one module each, `r0002_what_it_brings.py`, with `upgrade(op)`.

`op` is an `alembic.operations.Operations`. Revision 1 is the tables of the first release. A revision adds: tables, and columns that may
be null or have a constant default. It never blocks those who write meanwhile, and what an older Ostinato wrote stays readable, so
nothing has to be stopped to upgrade; a test refuses anything else. How to write one stands in docs/storage.md.
"""
