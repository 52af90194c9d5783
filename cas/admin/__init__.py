"""What CA keys have signed, trust anchors, and the forms of roles and templates. These and the CAs themselves stand in
`certificates.admin`, which knows more.
"""

from cas.admin.anchors import TrustAnchorAdmin
from cas.admin.records import BlockedKeyAdmin, CaKeyAdmin, IssuedSerialAdmin, ProfileVersionAdmin

__all__ = [
    "BlockedKeyAdmin",
    "CaKeyAdmin",
    "IssuedSerialAdmin",
    "ProfileVersionAdmin",
    "TrustAnchorAdmin",
]
