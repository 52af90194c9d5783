"""What waits for approvers, in the browser."""
