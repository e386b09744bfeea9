"""Does a title's exact name rank that name first? Asked over HTTP, of a system that runs.

    python -m proofs.evaluation.search_titles --url http://127.0.0.1:8081 [--sample 500] [--seed 11] [--json]

Titles are drawn evenly from the whole catalog by paging through it. Several titles may have one name (remakes): any of
them may come first, since the name is all that was asked for.
"""

import argparse
import random
import time
from collections.abc import Iterator

import httpx

from proofs import figures
from proofs.figures import Figure
from runtime import settings as settings_module
from schemas.read_models.text import name_key

_PAGE = 100
_SECONDS = 30.0
_BAR = 0.99
_LONGEST_QUERY = 1000  # characters that /v1/search takes


def names(client: httpx.Client) -> Iterator[str]:
    """The name of every title, by browsing. Raises httpx.HTTPStatusError."""
    cursor: str | None = None
    while True:
        answer = client.get("/v1/search", params={"limit": _PAGE} | ({"cursor": cursor} if cursor else {}))
        page = answer.raise_for_status().json()
        yield from (item["name"] for item in page["items"])
        cursor = page.get("nextCursor")
        if not cursor:
            return


def evaluate(base_url: str, sample: int = 500, seed: int = 11) -> list[Figure]:
    """Raises httpx.HTTPError when the service does not answer."""
    with httpx.Client(base_url=base_url, timeout=_SECONDS) as client:
        found = sorted(name for name in names(client) if name_key(name) and len(name) <= _LONGEST_QUERY)
        drawn = random.Random(seed).sample(found, min(sample, len(found)))
        first = other = 0
        milliseconds: list[float] = []
        for name in drawn:
            began = time.perf_counter()
            items = client.get("/v1/search", params={"q": name, "limit": 5}).raise_for_status().json()["items"]
            milliseconds.append((time.perf_counter() - began) * 1000)
            keys = [name_key(item["name"]) for item in items]
            first += bool(keys) and keys[0] == name_key(name)
            other += name_key(name) in keys
    count = len(drawn)
    share = first / count if count else float("nan")
    median = sorted(milliseconds)[count // 2] if count else float("nan")
    return [
        Figure.against("search-titles: exact name ranks first", share, "", "≥", _BAR, count),
        Figure.information("search-titles: among the first five", other / count if count else 0.0, "", count),
        Figure.information("search-titles: median time, one at a time", median, "ms", count),
        Figure.information("search-titles: titles in the catalog", len(found), "titles", len(found)),
    ]


def run() -> list[Figure]:
    """Of the system the settings name (`mg up` leaves them behind)."""
    return evaluate(f"http://127.0.0.1:{settings_module.load().ports.discovery}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8081")
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = evaluate(chosen.url, chosen.sample, chosen.seed)
    return figures.report(found, as_json=chosen.json, title="Exact names")


if __name__ == "__main__":
    raise SystemExit(main())
