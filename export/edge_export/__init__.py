"""What should we ship? Sources to ONNX, graph passes, int8 candidates, verdicts and the bundle."""
