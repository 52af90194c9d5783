"""Chains that are made to keep us busy: what is counted is the work, not the time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from cas.core.validation.judge import judge
from cas.core.validation.paths import LONGEST
from cas.core.validation.question import Question
from cas.core.validation.work import Budget
from tests.cas.core.validation.making import NOW, Made, errors_of, judged, key_of, make, make_ca, root, server

Shown = tuple[Made, list[Made]]
LAYERS, WIDTH = 10, 5


@cache
def layer(number: int, place: int) -> Made:
    """Names and keys to certify; who has certified them is another question."""
    return make_ca(f"L{number}-{place}")


def certified(made: Made, by: Made, *, forged: bool = False) -> Made:
    signed_by = key_of("somebody else") if forged else None
    return make_ca(made.subject, by, key=made.key, signed_by=signed_by)


@cache
def lattice() -> list[Made]:
    """Each CA of a layer is certified by every one of the next: five to the power of nine ways up."""
    return [
        certified(layer(number, place), layer(number + 1, above))
        for number in range(LAYERS - 1)
        for place in range(WIDTH)
        for above in range(WIDTH)
    ]


def top(*, forged: bool) -> list[Made]:
    return [certified(layer(LAYERS - 1, place), root(), forged=forged) for place in range(WIDTH)]


def leads_nowhere() -> Shown:
    return server(layer(0, 0)), lattice()


def forged_at_the_top() -> Shown:
    return server(layer(0, 0)), [*lattice(), *top(forged=True)]


def excluded_on_every_way() -> Shown:
    excluded = x509.NameConstraints(None, [x509.DNSName("example.com")])
    crowned = [
        make_ca(
            layer(LAYERS - 1, place).subject, root(), key=layer(LAYERS - 1, place).key, extensions=((excluded, True),)
        )
        for place in range(WIDTH)
    ]
    return server(layer(0, 0)), [*lattice(), *crowned]


def all_certify_all() -> Shown:
    mesh = [layer(0, place) for place in range(16)]
    edges = [certified(one, other) for one in mesh for other in mesh if one is not other]
    return server(mesh[0]), [*edges, *(certified(each, root(), forged=True) for each in mesh)]


def one_name_for_all() -> Shown:
    same = [make_ca("Root", key=key_of(f"same {number}")) for number in range(300)]
    return server(same[0], signed_by=key_of("somebody else")), same


def a_long_chain() -> Shown:
    chain = [root()]
    for number in range(LONGEST + 3):
        chain.append(make_ca(f"Rung {number}", chain[-1]))
    return server(chain[-1]), chain[1:]


def names_and_constraints() -> Shown:
    excluded = [x509.DNSName(f"x{number}.example.net") for number in range(3000)]
    middle = make_ca("Wordy", root(), extensions=((x509.NameConstraints(None, excluded), True),))
    names = [x509.DNSName(f"h{number}.example.com") for number in range(3000)]
    return make("wordy leaf", middle, sans=names), [middle]


HOSTILE: dict[str, Callable[[], Shown]] = {
    function.__name__: function
    for function in (
        leads_nowhere,
        forged_at_the_top,
        excluded_on_every_way,
        all_certify_all,
        one_name_for_all,
        a_long_chain,
        names_and_constraints,
    )
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_within_the_budget(name):
    leaf, others = HOSTILE[name]()
    budget = Budget()
    question = Question(
        certificate=leaf.certificate,
        anchors=[root().certificate],
        others=[each.certificate for each in others],
        at=NOW,
        check_revocation=False,
    )
    verdict = judge(question, budget)
    assert not verdict.valid
    # What is asked for once more than there is, is not done; a second search may ask once again.
    assert budget.signatures >= -2
    assert budget.steps >= -1
    assert budget.paths >= -1


def test_a_good_way_through_the_lattice_is_found():
    leaf, others = server(layer(0, 0)), [*lattice(), *top(forged=False)]
    verdict = judged(leaf, *others)
    assert (verdict.valid, len(verdict.chain)) == (True, LAYERS + 2)


def test_what_led_nowhere_is_not_tried_twice():
    leaf, others = forged_at_the_top()
    budget = Budget()
    judge(
        Question(
            certificate=leaf.certificate,
            anchors=[root().certificate],
            others=[each.certificate for each in others],
            at=NOW,
        ),
        budget,
    )
    certificates = len(others) + 2
    assert Budget().steps - budget.steps <= certificates * WIDTH


def test_a_key_that_takes_long_to_verify_by_is_not_tried():
    numbers = rsa.RSAPublicNumbers(2**63 + 1, key_of("costly", "rsa").public_key().public_numbers().n)
    slow = make_ca("Slow", root(), key=_Public(numbers.public_key()), signed_by=root().key)
    verdict = judged(server(Made(subject=slow.subject, key=key_of("x"), certificate=slow.certificate)), slow)
    assert errors_of(verdict) == [(0, "bad-signature")]


class _Public:
    """A key of which only the public half is there."""

    def __init__(self, key: rsa.RSAPublicKey) -> None:
        self._key = key

    def public_key(self) -> rsa.RSAPublicKey:
        return self._key
