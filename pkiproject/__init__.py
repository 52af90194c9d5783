"""The project: settings, URLs, the worker's timetable, and the processes that run."""

from pkiproject.celery import app as celery_app

__all__ = ["celery_app"]
