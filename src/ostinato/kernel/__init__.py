"""The foundation: references, events, errors, families and operations. Standard library only, no I/O."""
