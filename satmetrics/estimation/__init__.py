"""Estimators: kernels on arrays, faces that validate and label."""
