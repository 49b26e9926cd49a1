"""Whether a service lives and whether it is ready: liveness by progress, not by an open port."""

import time
from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from shared.runtime.metrics import Metrics

LOOP_LIMIT_S: Final = 60.0


class Health:
    """Loops say that they turned, conditions say whether they hold. All loops and conditions are named at the start."""

    def __init__(self, loops: Iterable[str], conditions: Iterable[str]) -> None:
        self._turned = dict.fromkeys(loops, time.monotonic())
        self._holds = dict.fromkeys(conditions, False)

    def turned(self, loop: str) -> None:
        """A loop went round, also when it waits for something that is away. Raises ``KeyError`` for an unknown loop."""
        self._turned[loop]
        self._turned[loop] = time.monotonic()

    def holds(self, condition: str, now: bool) -> None:
        """A condition holds, or no longer. Raises ``KeyError`` for an unknown condition."""
        self._holds[condition]
        self._holds[condition] = now

    def conditions(self) -> dict[str, bool]:
        """Every condition, and whether it holds."""
        return dict(self._holds)

    def idle_s(self) -> dict[str, float]:
        """Every loop, and the seconds since it last turned."""
        now = time.monotonic()
        return {loop: now - at for loop, at in self._turned.items()}

    def stuck(self) -> list[str]:
        """Loops that have not turned for a minute."""
        return [loop for loop, idle_s in self.idle_s().items() if idle_s > LOOP_LIMIT_S]

    def missing(self) -> list[str]:
        """Conditions that do not hold."""
        return [condition for condition, holds in self._holds.items() if not holds]

    def alive(self) -> bool:
        """Every loop turned recently; if not, the process should be restarted."""
        return not self.stuck()

    def ready(self) -> bool:
        """Every condition holds; if not, no requests should be sent here."""
        return not self.missing()


def health_router(health: Health, metrics: Metrics) -> APIRouter:
    """``/health/live``, ``/health/ready`` and ``/metrics``, open to everyone on the network and free of personal data."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> Response:
        return JSONResponse({"alive": health.alive(), "stuck": health.stuck()}, 200 if health.alive() else 503)

    @router.get("/health/ready")
    async def ready() -> Response:
        return JSONResponse({"ready": health.ready(), "missing": health.missing()}, 200 if health.ready() else 503)

    @router.get("/metrics")
    async def numbers() -> Response:
        metrics.health(health.conditions(), health.idle_s())
        body, kind = metrics.page()
        return Response(body, media_type=kind)

    return router
