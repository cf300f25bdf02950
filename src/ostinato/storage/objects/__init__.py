"""Named bytes: one seam, `Objects`; one member per place where they can lie."""
