"""The tests, and what make runs beside them: the demo, the bench, the check of the wheel, promotion of models."""
