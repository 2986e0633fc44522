"""Means and covariances, and what single rows contribute to them."""
