"""How much of anything one item may bring. What is beyond a limit is refused, cut or dropped, as said here."""

from typing import Final

MAX_BODY_BYTES: Final = 512 * 1024
"""Refused. The largest real item seen has 3 kB."""

MAX_NATIVE_ID: Final = 200
"""Refused: a cut id would name another item."""

MAX_NAME: Final = 500
"""Characters. A longer main name is refused: it is no name. Longer alternate names are dropped."""

MAX_OVERVIEW: Final = 5_000
"""Characters. Cut at a word."""

MAX_PERSON_NAME: Final = 120
"""Characters. Dropped: providers put sentences of the description into the director column."""

MAX_PEOPLE: Final = 100
MAX_ALTERNATE_NAMES: Final = 30
MAX_GENRES: Final = 30
MAX_GENRE: Final = 60
"""Characters of an unknown genre. Dropped."""
MAX_COUNTRIES: Final = 60
MAX_LANGUAGES: Final = 60
MAX_LIST_TEXT: Final = 20_000
"""Characters of a comma-separated column that are looked at at all."""

MAX_LIST_WORDS: Final = 1_000
"""Entries of a JSON list that are looked at at all."""

MIN_OFFER_YEAR: Final = 1990
"""An offer said to start earlier, or after MAX_YEAR, has no start."""

MIN_YEAR: Final = 1870
"""Before the first moving pictures. An earlier year is dropped (the item stays usable), as are 0 and 9999."""
YEARS_AHEAD: Final = 10
"""Announced works may lie this far after the source's own time. A later year is dropped."""
MAX_YEAR: Final = 2100
"""Whatever the source's clock says."""

MAX_RUNTIME_MINUTES: Final = 1_500
"""Dropped. The longest real film seen has 776."""
