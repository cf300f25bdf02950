"""Access: projects, actors, roles and credentials. Nothing is allowed that no role grants."""
