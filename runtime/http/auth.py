"""Bearer tokens (RFC 6750) for what is not public."""

import hmac

from runtime.http.problems import UNAUTHENTICATED, Problem
from runtime.settings import Secret


class Bearer:
    """One token. Without a configured token nobody gets in."""

    def __init__(self, token: Secret) -> None:
        self._token = token.reveal().encode()

    def require(self, authorization: str | None) -> None:
        """Raises Problem (401) unless the header is `Bearer` and the token, compared in constant time."""
        scheme, _, given = (authorization or "").partition(" ")
        # Latin-1 is how header bytes become text, so this gives the bytes back.
        fits = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._token)
        if scheme.lower() != "bearer" or not self._token or not fits:
            raise Problem(
                UNAUTHENTICATED,
                "Send the operator token as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": 'Bearer realm="media-gateway"'},
            )

    def __repr__(self) -> str:
        return "Bearer(***)"
