"""Who may do what where: projects, actors, roles and tokens. Nothing is allowed that no role grants."""
