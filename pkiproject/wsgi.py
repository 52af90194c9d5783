"""The door for the web server."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pkiproject.settings")

application = get_wsgi_application()

from pkiproject.masterkey import require_right_master_key, watch_master_key  # noqa: E402

require_right_master_key()
watch_master_key()

# What is loaded by now stays: looking through it for garbage takes longer than many a request.
gc.collect()
gc.freeze()
