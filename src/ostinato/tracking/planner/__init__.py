"""Planner: from the text of a query to the SQL that answers it, and to the order in which a page reads."""
