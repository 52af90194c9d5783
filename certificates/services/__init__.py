"""Every write about certificates: minting, revocation, CRLs, responders, private keys."""
