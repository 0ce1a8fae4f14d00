"""Grids of runs: planned, run within a budget, resumed; no TensorFlow."""
