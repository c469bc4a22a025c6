"""The worker: probe, labelling, training and packing, on one machine."""
