"""What can be done with public certificates, and with what they take."""
