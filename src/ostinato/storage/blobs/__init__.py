"""Bytes by content: one seam, `Blobs`; one member per place where bytes can lie."""
