"""Planner: from a query's text to SQL, and to the order in which a page is read."""
