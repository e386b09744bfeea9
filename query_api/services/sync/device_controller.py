"""GET …/devices and /preferences of one person."""

from litestar import Controller, get

from query_api.answering import After, answered
from query_api.freshness import Freshness
from query_api.services.sync import examples
from query_api.services.sync.parameters import PROBLEMS, UserId
from query_api.services.sync.reader import SyncReader
from query_api.services.sync.responses import DeviceList, PreferenceList
from runtime.http.service import Injected


class DeviceListController(Controller):
    path = "/v1/users/{user_id:str}"
    tags = ("devices",)

    @get(
        "/devices",
        operation_id="ListDevices",
        summary="Devices, and which of them are online",
        description="A device is online for 90 s after each heartbeat.",
        responses=answered(DeviceList, examples.DEVICES, *PROBLEMS),
    )
    async def devices(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        after: After = None,
    ) -> DeviceList:
        await freshness.wait(after, "devices")
        rows = await user_state.devices(user_id)
        online = await user_state.online(user_id, [row.device_id for row in rows])
        return DeviceList.of(rows, online, await freshness.as_of("devices"))

    @get(
        "/preferences",
        operation_id="GetPreferences",
        summary="What somebody prefers, the same on every device",
        responses=answered(PreferenceList, examples.PREFERENCES, *PROBLEMS),
    )
    async def preferences(
        self,
        user_id: UserId,
        user_state: Injected[SyncReader],
        freshness: Injected[Freshness],
        after: After = None,
    ) -> PreferenceList:
        await freshness.wait(after, "preferences")
        rows = await user_state.preferences(user_id)
        return PreferenceList.of(rows, await freshness.as_of("preferences"))
