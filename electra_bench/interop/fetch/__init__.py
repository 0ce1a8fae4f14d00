"""Public data sets and released checkpoints, from their servers to the data folder."""
