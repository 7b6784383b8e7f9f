"""What every area's tests share."""
