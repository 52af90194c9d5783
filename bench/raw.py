"""What one core can do with a CSR when nothing else is done with it: read, build, sign. No database, no Django."""

from __future__ import annotations

import json
import sys
import time

from bench.signing import certificate_for, make_csr

CSRS = 64


def certificates_per_second(seconds: float) -> float:
    csrs = [make_csr(f"www-{number}.acme.test") for number in range(CSRS)]
    begin, number = time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        certificate_for(csrs[number % CSRS])
        number += 1
    return number / (time.perf_counter() - begin)


if __name__ == "__main__":
    print(json.dumps({"per_second": certificates_per_second(float(sys.argv[1]))}))
