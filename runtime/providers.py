"""The providers that may post, also those that came, and the secrets that rotated, after the process had started."""

import time
from collections.abc import Callable, Iterator, Mapping

from runtime import files, logging
from runtime.settings import ProviderSettings, Settings, SettingsError, providers_from

_LOG = logging.get(__name__)
_LOOK_AGAIN_SECONDS = 1.0


class KnownProviders(Mapping[str, ProviderSettings]):
    """By name. Those of a file are read again when the file changes; a file that cannot be used changes nothing and is
    logged. `check` raises SettingsError for a provider that cannot be used."""

    def __init__(
        self,
        settings: Settings,
        check: Callable[[ProviderSettings], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = settings.providers_file
        self._check = check
        self._monotonic = monotonic
        self._looked = monotonic()
        self._seen = files.stamp(self._path)
        self._found = self._checked(settings.providers)

    def __getitem__(self, name: str) -> ProviderSettings:
        self._look()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        self._look()
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def _checked(self, providers: tuple[ProviderSettings, ...]) -> dict[str, ProviderSettings]:
        for provider in providers:
            self._check(provider)
        return {provider.name: provider for provider in providers}

    def _look(self) -> None:
        if self._path is None or self._monotonic() < self._looked + _LOOK_AGAIN_SECONDS:
            return
        self._looked = self._monotonic()
        stamp = files.stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._found = self._checked(providers_from(self._path))
        except SettingsError as error:  # never quotes the file, which holds secrets
            _LOG.warning("providers_unchanged", error=str(error))
        else:
            _LOG.info("providers_read", providers=sorted(self._found))
