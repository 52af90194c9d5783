"""Keys that must not be certified, although they are of a good algorithm and size."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from cas.core.keys import PublicKey
from kernel.errors import FieldError, field_error
from kernel.text import _

_FIELD: Final = "public_key"

# SP 800-89 5.3.3 asks for no factor below 752; the wider net costs one gcd.
_SMALL_FACTOR_LIMIT: Final = 2**16
# BR 6.1.1.3: a hundred rounds of Fermat's method.
_FERMAT_ROUNDS: Final = 100
# BR 6.1.6, SP 800-89 5.3.3: an odd exponent from 2**16 + 1 to 2**256 - 1.
_SMALLEST_EXPONENT: Final = 2**16 + 1
_EXPONENT_LIMIT: Final = 2**256
# ROCA (CVE-2017-15361; Nemec et al., CCS 2017): the faulty library made primes k·M + (65537**a mod M), M the product
# of the first primes. Modulo each of these the modulus is then a power of 65537.
_ROCA_GENERATOR: Final = 65537
_ROCA_LARGEST_PRIME: Final = 167


def weaknesses(public_key: PublicKey) -> list[FieldError]:
    """What is wrong with the key itself; empty for a good one. Fields are `public_key`.

    That a point lies on a NIST curve is checked by `cryptography` before there is a key object at all.
    """
    if isinstance(public_key, rsa.RSAPublicKey):
        return _rsa_weaknesses(public_key.public_numbers())
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return _ed25519_weaknesses(public_key.public_bytes_raw())
    return []


def _rsa_weaknesses(numbers: rsa.RSAPublicNumbers) -> list[FieldError]:
    n, e = numbers.n, numbers.e
    found = []
    if e % 2 == 0 or not _SMALLEST_EXPONENT <= e < _EXPONENT_LIMIT:
        found.append(_weak(_("the exponent must be odd, at least 65537 and below 2^256")))
    if math.gcd(n, _product_of_small_primes()) != 1:
        found.append(_weak(_("the modulus has a small factor")))
    if _has_close_factors(n):
        found.append(_weak(_("the modulus is the product of two primes close to each other")))
    if _is_roca(n):
        found.append(_weak(_("the key was made by a faulty library (ROCA, CVE-2017-15361)")))
    return found


def _weak(template: str) -> FieldError:
    return field_error(_FIELD, "weak-key", template)


def _primes_below(limit: int) -> list[int]:
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\x00\x00"
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number in range(limit) if sieve[number]]


@cache
def _product_of_small_primes() -> int:
    return math.prod(_primes_below(_SMALL_FACTOR_LIMIT))


def _has_close_factors(n: int) -> bool:
    """Fermat: n = a² - b² is found at once where the factors are near the root."""
    a = math.isqrt(n - 1) + 1
    for _round in range(_FERMAT_ROUNDS):
        remainder = a * a - n
        if math.isqrt(remainder) ** 2 == remainder:
            return True
        a += 1
    return False


def _is_roca(n: int) -> bool:
    return all(n % prime in residues for prime, residues in _roca_residues())


@cache
def _roca_residues() -> tuple[tuple[int, frozenset[int]], ...]:
    odd_primes = _primes_below(_ROCA_LARGEST_PRIME + 1)[1:]
    return tuple(
        (prime, frozenset(pow(_ROCA_GENERATOR, power, prime) for power in range(prime))) for prime in odd_primes
    )


# Ed25519 (RFC 8032 5.1): the field prime and the curve constant d of -x² + y² = 1 + d·x²·y².
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P


def _ed25519_weaknesses(raw: bytes) -> list[FieldError]:
    y = int.from_bytes(raw, "little") % 2**255 % _P
    if not _is_on_curve(y):
        return [_weak(_("the point is not on the curve"))]
    for _doubling in range(3):
        y = _double(y)
    if y == 1:
        return [_weak(_("the point has a small order: anyone can sign for this key"))]
    return []


def _x_squared(y: int) -> int:
    return (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P


def _is_on_curve(y: int) -> bool:
    """Whether x² is a square (Euler's criterion)."""
    return pow(_x_squared(y), (_P - 1) // 2, _P) in (0, 1)


def _double(y: int) -> int:
    """The y of twice the point: (y² + x²) / (1 - d·x²·y²)."""
    y2, x2 = y * y, _x_squared(y)
    return (y2 + x2) * pow(1 - _D * x2 * y2, -1, _P) % _P
