"""What every `OperationIds` must do; run on the fake (unit) and on Redis (integration)."""

import asyncio

from command_api.operation_ids import Claimed, Conflicting, InProgress, Once, OperationIds
from runtime.http.rate_limit import Quota
from sync_laws.tags import tag_of

QUOTA = Quota(rate_per_second=1000, burst=1000)


def once(name: str, content: bytes = b"12345678") -> Once:
    return Once(tag_of("ann", "tv", name), content)


A, B, OTHER_A = once("a"), once("b"), once("a", b"\x00\xffL9 P:\n")


class OperationIdsSuite:
    """Subclasses provide the fixtures `ids` (leases of a minute) and `short_leases` (one second)."""

    async def wait(self, seconds: float) -> None:
        """Until so much time has passed for the store."""
        await asyncio.sleep(seconds)

    async def test_new_operations_are_claimed(self, ids: OperationIds) -> None:
        claim = await ids.claim("ann", QUOTA, [A, B])
        assert isinstance(claim, Claimed)
        assert claim.known == (None, None)
        assert claim.decision.allowed

    async def test_a_request_without_ids_only_counts(self, ids: OperationIds) -> None:
        first, second = [await ids.claim("ann", QUOTA, []) for _ in range(2)]
        assert isinstance(second, Claimed)
        assert second.known == ()
        assert second.decision.remaining <= first.decision.remaining

    async def test_one_of_two_requests_claims(self, ids: OperationIds) -> None:
        found = await asyncio.gather(*(ids.claim("ann", QUOTA, [A, B]) for _ in range(8)))
        assert sorted(type(claim).__name__ for claim in found) == ["Claimed"] + ["InProgress"] * 7

    async def test_what_is_settled_is_known(self, ids: OperationIds) -> None:
        await self.settled(ids, A, "2:41")
        claim = await ids.claim("ann", QUOTA, [B, A])
        assert isinstance(claim, Claimed)
        assert claim.known == (None, "2:41")

    async def test_a_request_partly_in_the_works_claims_nothing(self, ids: OperationIds) -> None:
        await ids.claim("ann", QUOTA, [A])
        assert isinstance(await ids.claim("ann", QUOTA, [A, B]), InProgress)
        assert isinstance(await ids.claim("ann", QUOTA, [B]), Claimed)

    async def test_another_content_is_a_conflict_at_any_time_and_claims_nothing(self, ids: OperationIds) -> None:
        claim = await ids.claim("ann", QUOTA, [A])
        assert isinstance(claim, Claimed)
        found = await ids.claim("ann", QUOTA, [B, OTHER_A])
        assert isinstance(found, Conflicting)
        assert found.places == (1,)
        assert isinstance(await ids.claim("ann", QUOTA, [B]), Claimed)
        ids.settle(claim.receipt, {A: None})
        assert isinstance(await ids.claim("ann", QUOTA, [OTHER_A]), Conflicting)
        await self.settled(ids, A, "0:1")
        assert isinstance(await ids.claim("ann", QUOTA, [OTHER_A]), Conflicting)

    async def test_any_bytes_are_a_digest(self, ids: OperationIds) -> None:
        await self.settled(ids, OTHER_A, "0:7")
        claim = await ids.claim("ann", QUOTA, [OTHER_A])
        assert isinstance(claim, Claimed)
        assert claim.known == ("0:7",)

    async def test_released_operations_are_claimed_again_at_once(self, ids: OperationIds) -> None:
        claim = await ids.claim("ann", QUOTA, [A])
        assert isinstance(claim, Claimed)
        ids.settle(claim.receipt, {A: None})
        again = await ids.claim("ann", QUOTA, [A])
        assert isinstance(again, Claimed)
        assert again.known == (None,)

    async def test_users_do_not_share_ids(self, ids: OperationIds) -> None:
        await ids.claim("ann", QUOTA, [A])
        assert isinstance(await ids.claim("bob", QUOTA, [OTHER_A]), Claimed)
        assert isinstance(await ids.claim("}ann{", QUOTA, [A]), Claimed)

    async def test_five_hundred_at_once(self, ids: OperationIds) -> None:
        many = [once(f"n{number}") for number in range(500)]
        claim = await ids.claim("ann", QUOTA, many)
        assert isinstance(claim, Claimed)
        ids.settle(claim.receipt, {each: f"0:{number}" for number, each in enumerate(many)})
        again = await ids.claim("ann", QUOTA, many)
        assert isinstance(again, Claimed)
        assert again.known == tuple(f"0:{number}" for number in range(500))

    async def test_a_crash_holds_an_id_only_as_long_as_the_lease(self, short_leases: OperationIds) -> None:
        await short_leases.claim("ann", QUOTA, [A])
        assert isinstance(await short_leases.claim("ann", QUOTA, [A]), InProgress)
        await self.wait(2.1)  # Redis' clock has whole seconds here
        assert isinstance(await short_leases.claim("ann", QUOTA, [A]), Claimed)

    @staticmethod
    async def settled(ids: OperationIds, operation: Once, position: str) -> None:
        claim = await ids.claim("ann", QUOTA, [operation])
        assert isinstance(claim, Claimed)
        ids.settle(claim.receipt, {operation: position})
