"""int8 candidates: ranges from streamed calibration, recipes as data, QDQ graphs."""
