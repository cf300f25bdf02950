"""Family: reactions to a window with findings."""
