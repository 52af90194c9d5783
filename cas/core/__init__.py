"""The signing core: pure functions on `cryptography`. No Django, no database, no clock, no settings.

wish -> plan_leaf / plan_authority / plan_responder   judged against profile and chain, then frozen
     -> signing.prepare                               a draft under a throwaway key, linted
     -> signing.sign_certificate                      the linted bytes, signed, compared, verified
"""
