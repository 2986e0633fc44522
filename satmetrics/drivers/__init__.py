"""What moves satisfaction: drivers, their importance and their performance."""

from satmetrics.drivers.importance import importance_performance

__all__ = ["importance_performance"]
