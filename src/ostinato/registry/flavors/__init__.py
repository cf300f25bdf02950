"""Family: model formats, as data that runs no code on load where possible."""
