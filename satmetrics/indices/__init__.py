"""Indices on 0-100, their changes and what drives them."""
