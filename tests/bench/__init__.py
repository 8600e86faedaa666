"""Measurements: quality on the development data, speed beside plain peers. `make bench` runs them all."""
