"""An HTTP service around one model: `EDGE_BUNDLES=/srv/models EDGE_TOKEN=... python -m uvicorn service:app`.

POST /predict takes an image's bytes, POST /reload puts another bundle in place, GET /healthz tells what answers.
"""

import functools
import hmac
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

import edge_runtime

BUNDLES = Path(os.environ.get("EDGE_BUNDLES", "."))
FIRST = os.environ.get("EDGE_BUNDLE", "model.edge")
"""What answers after a start: a deployment sets it before it calls /reload, or the next start goes back."""
TOKEN = os.environ.get("EDGE_TOKEN", "")
MAX_BYTES = 20 << 20
AT_ONCE = 2
"""Runs at once. Each may use all CPUs, so more of them only wait for each other."""
MAX_WAITING = 32
"""Requests that may wait for a run; the next one is told to come again, instead of everybody waiting longer."""

Result = TypeVar("Result")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load before the first request, so that a bundle which does not verify stops the deployment."""
    app.state.slot = edge_runtime.ModelSlot(BUNDLES / FIRST)
    app.state.limiter = anyio.CapacityLimiter(AT_ONCE)
    yield


app = FastAPI(lifespan=lifespan)


async def in_thread(function: Callable[..., Result], *arguments: Any, **keywords: Any) -> Result:
    """Run what blocks, such as an inference, beside the event loop."""
    call = functools.partial(function, *arguments, **keywords)
    return await anyio.to_thread.run_sync(call, limiter=app.state.limiter)


@app.post("/predict")
async def predict(request: Request) -> dict[str, Any]:
    """Answer one image, sent as the body."""
    if app.state.limiter.statistics().tasks_waiting >= MAX_WAITING:
        raise HTTPException(503, "busy", headers={"Retry-After": "1"})
    image = bytearray()
    async for chunk in request.stream():
        image += chunk
        if len(image) > MAX_BYTES:
            raise HTTPException(413, f"more than {MAX_BYTES} bytes")
    try:
        prediction: edge_runtime.Prediction = await in_thread(app.state.slot.predict, image)
    except edge_runtime.InputError as error:
        raise HTTPException(422, str(error)) from error
    return prediction.to_dict()


class Replacement(BaseModel):
    """Which bundle of the folder shall answer, and the digest of its manifest."""

    name: str
    sha256: str


@app.post("/reload")
async def reload(replacement: Replacement, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    """Verify another bundle, test it and put it in place; if it fails, the running one stays."""
    if not TOKEN or not hmac.compare_digest(authorization.encode(), f"Bearer {TOKEN}".encode()):
        raise HTTPException(403, "wrong or no token")
    if Path(replacement.name).name != replacement.name or not replacement.name.endswith(".edge"):
        raise HTTPException(422, f"name={replacement.name!r}: an .edge file in the service's folder is expected")
    try:
        await in_thread(app.state.slot.replace, BUNDLES / replacement.name, sha256=replacement.sha256)
    except edge_runtime.EdgeError as error:
        raise HTTPException(409, str(error)) from error
    return await healthz()


@app.get("/healthz")
async def healthz() -> dict[str, Any]:
    """Tell which bundle answers."""
    model = app.state.slot.model
    return {"content_id": model.content_id, "variant": model.variant.name, "version": model.manifest.version}
