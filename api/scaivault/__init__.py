"""The ScaiVault dialect: its PKI paths, under `/v1/pki/`."""
