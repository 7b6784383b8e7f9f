"""What a graph costs, and what ONNX Runtime really makes of it: read from the executed graph, not from the file."""
