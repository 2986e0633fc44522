"""The five-gap model: customers, managers and employees side by side."""
