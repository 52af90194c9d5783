"""The authorities in the browser."""
