"""The FastPKI dialect: what the `fastpki` command line speaks, under `/api/v1/`."""
