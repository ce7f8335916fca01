"""Budgets that are held before a call is made: what a budget is, what is spent and reserved, and who asks."""
