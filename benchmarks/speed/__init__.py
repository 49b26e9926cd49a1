"""How fast the whole is, beside what else a team would pick."""
