"""What Chancery counts and measures of itself, for Prometheus.

`requests` times what each web process answers; `facts` reads out of the database how the office is; `endpoint` says
both to those who may know.
"""

from __future__ import annotations

from typing import Final

# Where all web processes of a server keep their counts: prometheus-client looks for it when it is loaded.
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
