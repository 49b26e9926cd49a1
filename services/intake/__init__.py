"""Intake: every report of a home in danger becomes a case with its legal deadlines."""
