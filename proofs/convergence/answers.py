"""What the APIs show of one person."""

from typing import Any

import httpx

from proofs.convergence.oracle import Picture


def picture(client: httpx.Client, user: str, titles: list[str], after: str) -> Picture:
    """`client` has the address and a token; answers are those after the positions `after`."""
    base, headers = f"/v1/users/{user}", {"MG-After": after}

    def get(path: str, **parameters: Any) -> Any:
        answer = client.get(base + path, params=parameters, headers=headers)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise RuntimeError(f"GET {base}{path}: {answer.status_code} {answer.text[:1000]}")
        return answer.json()

    def pages(path: str) -> list[Any]:
        found, cursor = [], None
        while True:
            page = get(path, limit=100, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["nextCursor"]
            if cursor is None:
                return found

    states = {title: state for title in titles if (state := get(f"/progress/{title}")) is not None}
    return Picture(
        watchlist=[item["titleId"] for item in pages("/watchlist")],
        watched=sorted(title for title, state in states.items() if (state["watched"] or {}).get("value")),
        continued=[item["titleId"] for item in pages("/continue-watching")],
        progress={title: _progress(state) for title, state in states.items()},
        preferences={one["name"]: one["value"] for one in get("/preferences")["preferences"]},
    )


def _progress(state: dict[str, Any]) -> list[Any]:
    position = state["position"] or {}
    watched = (state["watched"] or {}).get("value", False)
    return [position.get("positionMs"), position.get("durationMs"), watched, state["finished"]]
