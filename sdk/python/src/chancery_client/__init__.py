"""The client of Chancery, the certificate office that organizations run themselves.

from chancery_client import ChanceryClient

with ChanceryClient("https://pki.example.com", api_key="pkf_…") as client:
    cert = client.certificates.issue(template_code="web-tls", common_name="www.example.com")
    print(cert.serial, cert.not_after)
"""

from chancery_client._version import __version__
from chancery_client.auth import ClientCertificate, OAuth, Tokens
from chancery_client.client import AsyncChanceryClient, ChanceryClient
from chancery_client.errors import (
    LONGEST_ANSWER,
    AnswerTooLong,
    ApiError,
    AuthenticationFailed,
    BadRequest,
    ChanceryError,
    Conflict,
    ConnectionFailed,
    NotFound,
    NotLicensed,
    NotYetIssued,
    PermissionDenied,
    Problem,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
    ValidationFailed,
)
from chancery_client.models import FieldError
from chancery_client.pages import AsyncPages, Page, Pages
from chancery_client.retries import Retries
from chancery_client.secret import Secret
from chancery_client.streams import AsyncLines, Lines
from chancery_client.wire import UNSET

__all__ = [
    "LONGEST_ANSWER",
    "UNSET",
    "AnswerTooLong",
    "ApiError",
    "AsyncChanceryClient",
    "AsyncLines",
    "AsyncPages",
    "AuthenticationFailed",
    "BadRequest",
    "ChanceryClient",
    "ChanceryError",
    "ClientCertificate",
    "Conflict",
    "ConnectionFailed",
    "FieldError",
    "Lines",
    "NotFound",
    "NotLicensed",
    "NotYetIssued",
    "OAuth",
    "Page",
    "Pages",
    "PermissionDenied",
    "Problem",
    "RateLimited",
    "Retries",
    "Secret",
    "ServerError",
    "Tokens",
    "UnexpectedAnswer",
    "ValidationFailed",
    "__version__",
]
