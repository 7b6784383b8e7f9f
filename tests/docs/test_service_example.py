"""The HTTP service that the guide shows: it answers, refuses what it should, and takes another bundle while running."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

import edge_runtime

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def service(example, monkeypatch):
    monkeypatch.setenv("EDGE_BUNDLES", ".")
    monkeypatch.setenv("EDGE_TOKEN", "secret")
    return example("service")


@pytest.fixture
def client(service):
    with TestClient(service.app) as client:
        yield client


def pin(path):
    return edge_runtime.load(path).bundle.manifest_sha256


def test_answers_as_the_model_does(client, guide):
    response = client.post("/predict", content=(guide / "photo.jpg").read_bytes())
    assert response.status_code == 200
    model = edge_runtime.load(guide / "model.edge")
    assert response.json() == model.predict(guide / "photo.jpg").to_dict()
    assert client.get("/healthz").json()["content_id"] == model.content_id


def test_refuses_bad_input(client, service, monkeypatch):
    response = client.post("/predict", content=b"not an image")
    assert response.status_code == 422
    assert "not an image" in response.json()["detail"]
    assert client.post("/predict", content=b"").status_code == 422
    monkeypatch.setattr(service, "MAX_BYTES", 100)
    assert client.post("/predict", content=b"x" * 101).status_code == 413


def test_a_full_service_says_so(client, service, guide, monkeypatch):
    monkeypatch.setattr(service, "MAX_WAITING", 0)
    response = client.post("/predict", content=(guide / "photo.jpg").read_bytes())
    assert response.status_code == 503
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_reload_wants_the_token(client, guide, headers):
    body = {"name": "next.edge", "sha256": pin(guide / "next.edge")}
    assert client.post("/reload", json=body, headers=headers).status_code == 403


def test_without_a_token_nobody_reloads(client, service, guide, monkeypatch):
    monkeypatch.setattr(service, "TOKEN", "")
    body = {"name": "next.edge", "sha256": pin(guide / "next.edge")}
    assert client.post("/reload", json=body, headers={"Authorization": "Bearer "}).status_code == 403


def test_reload_while_requests_run(client, guide):
    photo = (guide / "photo.jpg").read_bytes()
    with ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(client.post, "/predict", content=photo) for _ in range(40)]
        body = {"name": "next.edge", "sha256": pin(guide / "next.edge")}
        replaced = client.post("/reload", json=body, headers=TOKEN)
        answers = [request.result() for request in requests]
    assert replaced.status_code == 200, replaced.text
    models = [edge_runtime.load(guide / name) for name in ("model.edge", "next.edge")]
    assert replaced.json()["content_id"] == models[1].content_id
    expected = {model.content_id: model.predict(photo).to_dict() for model in models}
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == expected[answer.json()["content_id"]] for answer in answers)
    assert client.post("/predict", content=photo).json() == expected[models[1].content_id]


@pytest.mark.parametrize("name", ["../next.edge", "/etc/passwd", "..", ""])
def test_reload_stays_in_its_folder(client, name):
    response = client.post("/reload", json={"name": name, "sha256": "0" * 64}, headers=TOKEN)
    assert response.status_code == 422


def test_a_bad_bundle_never_serves(client, guide):
    before = client.get("/healthz").json()
    damaged = bytearray((guide / "next.edge").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (guide / "damaged.edge").write_bytes(damaged)
    for name, digest in (("damaged.edge", pin(guide / "next.edge")), ("next.edge", "0" * 64), ("none.edge", "0" * 64)):
        response = client.post("/reload", json={"name": name, "sha256": digest}, headers=TOKEN)
        assert response.status_code == 409, response.text
    assert client.get("/healthz").json() == before
