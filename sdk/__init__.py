"""What clients of Chancery are made of and tested by."""
