"""What every `Deliveries` must do; run on the fake (unit) and on Redis (integration)."""

import asyncio

from command_api.services.ingestion.deduplication import Deliveries, Done, InProgress, OtherBody, Started


class DeduplicationSuite:
    """Subclasses provide the fixtures `deliveries` (leases of a minute), `short_leases` (one second) and
    `short_memory` (forgets after a second)."""

    async def wait(self, seconds: float) -> None:
        """Until so much time has passed for the store."""
        await asyncio.sleep(seconds)

    async def test_one_of_two_requests_starts(self, deliveries: Deliveries) -> None:
        found = await asyncio.gather(*(deliveries.begin("wikidata", "msg_1", b"hash") for _ in range(8)))
        assert sorted(type(claim).__name__ for claim in found) == ["InProgress"] * 7 + ["Started"]

    async def test_an_answer_is_given_again(self, deliveries: Deliveries) -> None:
        await deliveries.begin("wikidata", "msg_1", b"hash")
        await deliveries.finish("wikidata", "msg_1", b"the answer")
        assert await deliveries.begin("wikidata", "msg_1", b"hash") == Done(b"the answer")

    async def test_the_first_answer_stays(self, deliveries: Deliveries) -> None:
        await deliveries.begin("wikidata", "msg_1", b"hash")
        await deliveries.finish("wikidata", "msg_1", b"first")
        await deliveries.finish("wikidata", "msg_1", b"second")
        assert await deliveries.begin("wikidata", "msg_1", b"hash") == Done(b"first")

    async def test_another_body_is_another_delivery_at_any_time(self, deliveries: Deliveries) -> None:
        await deliveries.begin("wikidata", "msg_1", b"hash")
        assert await deliveries.begin("wikidata", "msg_1", b"other") == OtherBody()
        await deliveries.release("wikidata", "msg_1")
        assert await deliveries.begin("wikidata", "msg_1", b"other") == OtherBody()
        await deliveries.begin("wikidata", "msg_1", b"hash")
        await deliveries.finish("wikidata", "msg_1", b"answer")
        assert await deliveries.begin("wikidata", "msg_1", b"other") == OtherBody()

    async def test_a_released_delivery_starts_again_at_once(self, deliveries: Deliveries) -> None:
        await deliveries.begin("wikidata", "msg_1", b"hash")
        await deliveries.release("wikidata", "msg_1")
        assert await deliveries.begin("wikidata", "msg_1", b"hash") == Started()

    async def test_release_does_not_take_an_answer_back(self, deliveries: Deliveries) -> None:
        await deliveries.begin("wikidata", "msg_1", b"hash")
        await deliveries.finish("wikidata", "msg_1", b"answer")
        await deliveries.release("wikidata", "msg_1")
        assert await deliveries.begin("wikidata", "msg_1", b"hash") == Done(b"answer")

    async def test_providers_do_not_share_ids(self, deliveries: Deliveries) -> None:
        await deliveries.begin("wikidata", "msg_1", b"hash")
        assert await deliveries.begin("movielens", "msg_1", b"other") == Started()

    async def test_a_crash_holds_an_id_only_as_long_as_the_lease(self, short_leases: Deliveries) -> None:
        await short_leases.begin("wikidata", "msg_1", b"hash")
        assert await short_leases.begin("wikidata", "msg_1", b"hash") == InProgress()
        await self.wait(2.1)  # Redis' clock has whole seconds here
        assert await short_leases.begin("wikidata", "msg_1", b"hash") == Started()

    async def test_an_id_is_forgotten_after_its_time(self, short_memory: Deliveries) -> None:
        await short_memory.begin("wikidata", "msg_1", b"hash")
        await short_memory.finish("wikidata", "msg_1", b"answer")
        await self.wait(1.3)
        assert await short_memory.begin("wikidata", "msg_1", b"other") == Started()
