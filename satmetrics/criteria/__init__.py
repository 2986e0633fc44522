"""Criteria weights, the index hierarchy and fuzzy evaluation."""
