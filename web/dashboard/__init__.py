"""The overview: what needs somebody now, how much there is of what, and what happened last."""
