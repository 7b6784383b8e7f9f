"""Other machines: wheels for them, and a proof that runs there and comes back."""
