"""Intake's pages for people: templates, texts, and the routes and reading behind them."""
