"""A certificate from a template, and its file.

CHANCERY_URL=https://pki.example.com CHANCERY_API_KEY=pkf_… python issue.py
"""

import os

from chancery_client import ChanceryClient

client = ChanceryClient(
    base_url=os.environ["CHANCERY_URL"],
    api_key=os.environ["CHANCERY_API_KEY"],
)

cert = client.certificates.issue(
    template_code="web-tls",
    common_name="www.example.com",
    sans=["www.example.com", "example.com"],
)

print(f"Issued: {cert.serial}")
print(f"It ends: {cert.not_after}")

with open("www.example.com.pem", "wb") as file:
    file.write(client.certificates.download(cert.id, fmt="pem"))
