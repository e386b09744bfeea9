"""Bearer tokens (RFC 6750) for what is not public."""

import hmac

from runtime.http.identity import REALM, Verifier, verifier_of
from runtime.http.problems import FORBIDDEN, UNAUTHENTICATED, Problem
from runtime.settings import Secret, Settings

OPERATOR = "operator"
"""The scope of people who decide about the catalog."""
SHARED = "operator"
"""Who decided, when the installation's operator token was shown."""
_JWT_DOTS = 2


class Bearer:
    """One token. Without a configured token nobody gets in."""

    def __init__(self, token: Secret) -> None:
        self._token = token.reveal().encode()

    def require(self, authorization: str | None) -> None:
        """Raises Problem (401) unless the header fits."""
        if not self.fits(authorization):
            raise Problem(
                UNAUTHENTICATED,
                "Send the operator token as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": 'Bearer realm="media-gateway"'},
            )

    def fits(self, authorization: str | None) -> bool:
        """Whether the header is `Bearer` and the token, compared in constant time."""
        scheme, _, given = (authorization or "").partition(" ")
        # Latin-1 is how header bytes become text, so this gives the bytes back.
        fits = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._token)
        return scheme.lower() == "bearer" and bool(self._token) and fits

    def __repr__(self) -> str:
        return "Bearer(***)"


class Operators:
    """People who decide about the catalog: by a token of their own (a JWT with the scope `operator`), else by the
    installation's operator token, which says nothing about who shows it."""

    def __init__(self, token: Secret, verifier: Verifier) -> None:
        self._shared = Bearer(token)
        self._verifier = verifier

    def require(self, authorization: str | None) -> str:
        """Who it is: the token's subject, or SHARED. Raises Problem: 401, and 403 for a token without the scope."""
        if self._shared.fits(authorization):
            return SHARED
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or given.count(".") != _JWT_DOTS:
            self._shared.require(authorization)
        caller = self._verifier.verify(given.strip())
        if OPERATOR not in caller.scopes:
            raise Problem(
                FORBIDDEN,
                f"The token's scopes do not include {OPERATOR}.",
                headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope"'},
            )
        return caller.user_id

    def __repr__(self) -> str:
        return "Operators(***)"


def operators_of(settings: Settings) -> Operators:
    return Operators(settings.operator_token, verifier_of(settings))
