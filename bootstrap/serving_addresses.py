"""Where the services of this checkout answer."""

from bootstrap import units
from runtime.settings import Settings


def base_url(settings: Settings, service: str) -> str:
    """`http://127.0.0.1:PORT` of a service."""
    found = next(candidate for candidate in units.SERVICES if candidate.name == service)
    return f"http://127.0.0.1:{found.port(settings.ports)}"
