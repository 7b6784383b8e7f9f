"""Changes to a float graph before it is quantized: each keeps its answers, or takes an error out of them."""
