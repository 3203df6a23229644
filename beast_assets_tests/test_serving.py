"""The HTTP server, real: every route, who is let in, and what many at once get."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis.errors import Unsatisfiable
from prometheus_client.parser import text_string_to_metric_families
from schemathesis.specs.openapi.checks import positive_data_acceptance

from beast_assets.core.errors import UsageError
from beast_assets.core.masks import masked
from beast_assets.core.search import Searcher, SearchOptions
from beast_assets.core.search.options import LONGEST_QUERY
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings, load_settings
from beast_assets.core.status import index_status, resolved_settings
from beast_assets.serving.lanes import BusyError, Lanes
from beast_assets.serving.questions import LONGEST_QUERY_STRING, SEARCH
from beast_assets.serving.security import HEADERS
from beast_assets.serving.server import bound_socket, read_token
from beast_assets_tests.conftest import Beast, document
from beast_assets_tests.homes import add_root, index, published_rows
from beast_assets_tests.servers import serving

TOKEN = "0123456789abcdef-only-a-test"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that no test changes."""
    folder = tmp_path_factory.mktemp("site")
    make_documents(folder / "docs")
    found = load_settings({"home": folder / "home", "model": "hashing"}, {})
    add_root(found, folder / "docs")
    index(found)
    return found


@pytest.fixture(scope="module")
def client(indexed: Settings) -> Iterator[httpx.Client]:
    with serving(indexed) as client:
        yield client


def make_documents(folder: Path) -> None:
    folder.mkdir()
    for number in range(40):
        (folder / f"note-{number:02}.md").write_text(document(number))


def figures(client: httpx.Client) -> dict[tuple[str, str], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def searches(client: httpx.Client) -> dict[str, float]:
    found = figures(client)
    names = ("computed", "cached", "joined")
    return {name: found["beast_searches_total", name] for name in names}


# -- routes ------------------------------------------------------------------------------------


def test_search_gives_what_the_library_gives(client: httpx.Client, indexed: Settings) -> None:
    query = "topic17x2y5 and others"
    answer = client.get("/api/search", params={"q": query, "k": 3}).json()
    hits = Searcher(indexed).search(query, 3)
    assert answer.pop("took_ms") > 0
    assert answer == {"query": query, "version": hits.version, "hits": hits.to_dicts()}


def test_every_option_reaches_the_search(client: httpx.Client, indexed: Settings) -> None:
    root = str(indexed.home.parent / "docs")
    given: dict[str, Any] = {
        "k": "7",
        "mode": "text",
        "path": ["*.md", "!note-00.md"],
        "ext": ["md", "txt"],
        "root": [root],
        "after": "2001-01-01T00:00:00+00:00",
        "before": "2999-01-01T00:00:00+00:00",
        "content": [row["content_sha256"] for row in published_rows(indexed)[:50]],
        "per_file": "2",
        "context": "1",
        "copies": "true",
    }
    assert {*given, "q", "rerank"} == {each.name for each in SEARCH}
    answer = client.get("/api/search", params={"q": "sentence topic", **given}).json()
    options = {each.option: given[each.name] for each in SEARCH if each.name in given}
    options |= {name: int(options[name]) for name in ("k", "per_file", "context")}
    expected = Searcher(indexed).search("sentence topic", **(options | {"copies": True}))
    assert answer["hits"] == expected.to_dicts()
    assert len(answer["hits"]) == 7


def test_doc_gives_a_passage_by_name(client: httpx.Client) -> None:
    hit = client.get("/api/search", params={"q": "topic17x1y5", "k": 1}).json()["hits"][0]
    passage = client.get("/api/doc", params={"id": hit["chunk_id"]}).json()
    assert passage == {name: hit[name] for name in passage}
    wide = client.get("/api/doc", params={"id": hit["chunk_id"], "context": 20}).json()
    assert wide["text"].split() == Path(hit["path"]).read_text().split()
    unknown = client.get("/api/doc", params={"id": "0" * 32})
    assert (unknown.status_code, unknown.json().keys()) == (404, {"error"})


def test_status_health_page_and_document(client: httpx.Client, indexed: Settings) -> None:
    assert client.get("/api/status").json() == index_status(indexed)
    health = client.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "healthy")
    assert "<html" in client.get("/").text
    assert client.get("/static/index.html").content == client.get("/").content
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
    head = client.head("/api/search", params={"q": "topic"})
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("status", "code"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)]
)
def test_health_is_what_the_probes_say(indexed: Settings, status: str, code: int) -> None:
    with serving(indexed, health=lambda _: {"status": status, "probes": []}) as client:
        found = client.get("/healthz")
    assert (found.status_code, found.json()) == (code, {"status": status, "probes": []})


def test_a_probe_that_fails_is_unhealthy(indexed: Settings) -> None:
    def fails(_: object) -> dict[str, Any]:
        raise RuntimeError("no probe")

    with serving(indexed, health=fails) as client:
        found = client.get("/healthz")
    assert (found.status_code, found.json()["status"]) == (503, "unhealthy")


def test_metrics_count_what_happens(indexed: Settings) -> None:
    asked = ("/api/search?q=a", "/api/search?q=a", "/api/search", "/elsewhere/x", "/static/y")
    with serving(indexed) as client:
        for path in asked:
            client.get(path)
        found = figures(client)
    assert found["beast_http_requests_total", "/api/search,200"] == 2
    assert found["beast_http_requests_total", "/api/search,400"] == 1
    assert found["beast_http_requests_total", "other,404"] == 1
    assert found["beast_http_requests_total", "/static/{file},404"] == 1
    assert found["beast_http_request_seconds_count", "/api/search"] == 3
    assert found["beast_http_requests_in_flight", ""] == 1
    assert (found["beast_searches_total", "computed"], found["beast_searches_total", "cached"]) == (
        1,
        1,
    )
    assert found["beast_index_rows", ""] == len(published_rows(indexed))
    assert found["beast_index_info", Searcher(indexed).version] == 1


def test_no_index_is_told_until_there_is_one(settings: Settings, docs: Path) -> None:
    with serving(settings) as client:
        for path in ("/api/search?q=topic", f"/api/doc?id={'0' * 32}", "/api/status"):
            missing = client.get(path)
            assert (missing.status_code, "beast index" in missing.json()["error"]) == (503, True)
        assert client.get("/healthz").status_code == 503
        assert client.get("/metrics").status_code == 200
        add_root(settings, docs)
        index(settings)
        assert client.get("/api/search?q=topic").json()["hits"]
        assert client.get("/healthz").status_code == 200


def test_a_damaged_index_is_told(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    for path in Path(settings.index_uri).rglob("*.lance"):
        if path.is_file():
            path.write_bytes(b"\0" * path.stat().st_size)
    with serving(settings) as client:
        found = client.get("/api/search?q=topic")
    assert (found.status_code, "repair" in found.json()["error"]) == (503, True)


# -- parameters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "q is missing"),
        ("q=", "q: "),
        ("q=%20%20", "q: "),
        ("q=a&k=0", "k: a whole number from 1 to 1000"),
        ("q=a&k=1001", "k: "),
        ("q=a&k=-1", "k: "),
        ("q=a&k=1.0", "k: "),
        ("q=a&k=%D9%A3", "k: "),
        ("q=a&k=1&k=2", "k is given twice"),
        ("q=a&q=b", "q is given twice"),
        ("q=a&mode=magic", "mode: one of hybrid, vector, text"),
        ("q=a&after=soon", "after is 'soon'"),
        ("q=a&content=xyz", "content: "),
        (f"q=a&content={'0' * 64}%0A", "content: "),
        ("q=a&context=99", "context: "),
        ("q=a&copies=maybe", "copies: true or false"),
        ("q=a&root=/elsewhere", "not indexed"),
        ("q=a&path=%5C", "pattern"),
        ("q=a&rerank=true", "BEAST_RERANKER"),
        ("q=a&limit=5", "no parameter 'limit'"),
        ("q=%FF", "UTF-8"),
        ("q=" + "a" * (LONGEST_QUERY + 1), "10,001 characters"),
        ("q=a" + "&path=x" * 101, "more than 100 times"),
        ("q=a" + "&path=x" * 1_001, "parameters"),
    ],
)
def test_wrong_parameters_are_refused(client: httpx.Client, query: str, said: str) -> None:
    found = client.get("/api/search?" + query)
    assert (found.status_code, found.json().keys()) == (400, {"error"})
    assert said in found.json()["error"]


@pytest.mark.parametrize(
    "query",
    ["", "id=", "id=../../etc/passwd", "id=%2Fetc%2Fpasswd", "id=" + "g" * 32, "path=/etc/passwd"],
)
def test_passages_have_no_other_names(client: httpx.Client, query: str) -> None:
    assert client.get("/api/doc?" + query).status_code == 400


def test_the_longest_question_is_answered_and_a_longer_url_refused(client: httpx.Client) -> None:
    longest = quote("\N{GRINNING FACE}" * LONGEST_QUERY)
    status, answer = raw(client, f"/api/search?q={longest}")
    assert (status, quote(answer["query"])) == (200, longest)
    assert raw(client, "/api/search?q=" + "a" * LONGEST_QUERY_STRING)[0] == 414


def test_what_is_too_long_to_be_read_is_refused(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as line:
        line.sendall(b"GET /" + b"a" * LONGEST_QUERY_STRING)
        with contextlib.suppress(ConnectionError):  # it is not read to its end
            line.sendall(b"a" * 1_000_000)
        with contextlib.suppress(ConnectionError):
            assert line.recv(100).startswith(b"HTTP/1.1 400 ")
    assert client.get("/healthz").status_code == 200


def test_parameters_are_the_options_of_a_search(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]["/api/search"]["get"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in described}
    options = {item.name: item for item in fields(SearchOptions)}
    assert {each.option for each in SEARCH if each.name != "q"} == set(options)
    assert schemas["q"]["maxLength"] == LONGEST_QUERY
    for each in SEARCH[1:]:
        schema, default = schemas[each.name], options[each.option].default
        assert (schema["type"] == "array") == isinstance(default, tuple)
        assert schema.get("default", ()) == default
        if "maximum" in schema:
            SearchOptions(**{each.option: schema["maximum"]})
            SearchOptions(**{each.option: schema["minimum"]})
            for beyond in (schema["maximum"] + 1, schema["minimum"] - 1):
                with pytest.raises(UsageError):
                    SearchOptions(**{each.option: beyond})


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_no_request_is_a_fault(client: httpx.Client, mode: schemathesis.GenerationMode) -> None:
    fuzz(client, mode, 8)


@pytest.mark.proof
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_no_request_of_many_is_a_fault(
    client: httpx.Client, mode: schemathesis.GenerationMode
) -> None:
    fuzz(client, mode, 200)


def fuzz(client: httpx.Client, mode: schemathesis.GenerationMode, most: int) -> None:
    """Requests that fit the OpenAPI document, or do not: what comes back has to fit it always.

    That a moment is none, or a folder not indexed, is beyond what a schema can say.
    """
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    refusals = ["400", "404", "405", "414"]
    schema.config.checks.negative_data_rejection.expected_statuses = refusals
    with requests.Session() as session:
        session.trust_env = False
        for found in schema.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]  # or the test fails here

            @given(case=operation.as_strategy(generation_mode=mode))
            @examples(
                max_examples=most,
                derandomize=most < 100,
                phases=[Phase.generate],  # making a failure smaller takes minutes
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Any) -> None:
                case.call_and_validate(session=session, excluded_checks=[positive_data_acceptance])

            try:
                ask()
            except Unsatisfiable:
                assert not operation.query  # nothing in it can be wrong


# -- who is let in -----------------------------------------------------------------------------


def raw(client: httpx.Client, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    """A request as it is given: no client tidies its path, its Host or anything else."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port or 0)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    own = f"{client.base_url.host}:{client.base_url.port}"
    for name, value in {"Host": own, **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    for name, expected in HEADERS.items():
        assert answer.headers[name] == expected
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    connection.close()
    return answer.status, json.loads(body) if body[:1] == b"{" else body


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1:1",
        "localhost",
        "",
        "127.0.0.1.evil:{port}",
    ],
)
def test_foreign_hosts_are_refused(client: httpx.Client, host: str) -> None:
    status, said = raw(client, "/", Host=host.format(port=client.base_url.port))
    assert (status, "BEAST_SERVE_HOSTS" in said["error"]) == (421, True)


def test_own_names_and_named_hosts_are_answered(indexed: Settings) -> None:
    named = replace(indexed, serve_hosts=("search.example", "[fd00::1]:8443"))
    with serving(named) as client:
        port = client.base_url.port
        for host in (f"LOCALHOST:{port}", f"[::1]:{port}", "search.example:9", "[fd00::1]:8443"):
            assert raw(client, "/", Host=host)[0] == 200
        assert raw(client, "/", Host="[fd00::1]:8444")[0] == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, 200),
        ({"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}, 200),
    ],
)
def test_only_our_own_pages_may_ask(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    port = client.base_url.port
    given = {name: value.format(port=port) for name, value in headers.items()}
    assert raw(client, "/api/status", **given)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading(client: httpx.Client, method: str) -> None:
    status, said = raw(client, "/api/search?q=topic", method)
    assert (status, "GET" in said["error"]) == (405, True)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../http.py",
        "/static/..%2fhttp.py",
        "/static/%2e%2e/http.py",
        "/static/..%5chttp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/page.css%00",
        "/static/.",
        "/static/",
        "/static",
        "//etc/passwd",
        "/page/index.html",
        "/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_page(client: httpx.Client, path: str) -> None:
    status, said = raw(client, path)
    assert (status, list(said)) == (404, ["error"])


def test_a_token_is_asked_for_wherever_something_is_told(indexed: Settings) -> None:
    with serving(indexed, token=TOKEN) as client:
        for path in ("/api/search?q=topic", "/api/doc", "/api/status", "/api/config", "/metrics"):
            for wrong in ({}, bearer("x" * 32), bearer(TOKEN + "x"), bearer("é"), basic(TOKEN)):
                found = client.get(path, headers=wrong)
                assert (found.status_code, "Bearer" in found.json()["error"]) == (401, True)
                assert found.headers["www-authenticate"] == "Bearer"
            assert client.get(path, headers=bearer(TOKEN)).status_code in (200, 400)
        assert client.get("/").status_code == 200
        assert client.get("/healthz").json() == {"status": "healthy"}
        assert "version" in client.get("/healthz", headers=bearer(TOKEN)).json()
        assert TOKEN not in client.get("/api/config", headers=bearer(TOKEN)).text


def bearer(token: str) -> dict[bytes, bytes]:
    return {b"Authorization": f"Bearer {token}".encode()}


def basic(token: str) -> dict[bytes, bytes]:
    return {b"Authorization": f"Basic {token}".encode()}


def test_the_token_of_the_settings_counts(indexed: Settings) -> None:
    with serving(replace(indexed, serve_token=TOKEN)) as client:
        assert client.get("/api/config").status_code == 401
        config = client.get("/api/config", headers=bearer(TOKEN))
    assert (config.json()["serve_token"], TOKEN in config.text) == ("***", False)
    assert TOKEN not in repr(replace(indexed, serve_token=TOKEN))


@pytest.mark.parametrize("content", ["", "short", "with a space in the middle", "\xfc" * 20])
def test_tokens_that_are_none_are_refused(indexed: Settings, tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(UsageError, match="token"):
        read_token(indexed, tmp_path / "token")
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert read_token(indexed, tmp_path / "token") == TOKEN


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_others_are_not_let_in_without_a_token(beast: Beast, host: str) -> None:
    done = beast("serve", "--host", host, "--port", "0", "--json", code=2)
    assert "BEAST_SERVE_TOKEN" in done.json["error"]


def test_a_taken_port_is_told(beast: Beast) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "--port" in beast("serve", "--port", str(port), code=2).err


def test_small_answers_are_sent_at_once() -> None:
    """Asyncio sets TCP_NODELAY on such sockets only; without it an answer takes 40 ms."""
    with bound_socket("127.0.0.1", 0) as found:
        assert found.proto == socket.IPPROTO_TCP


def test_secrets_in_the_settings_are_masked(indexed: Settings) -> None:
    secret = "hunter2/x"
    env = {
        "MY_API_KEY": secret,
        "DB_PASSWORD": secret,
        "GITHUB": f"https://me:{secret}@github.example/a",
        "TOKEN_AS_USER": "",
        "REPOSITORY": "https://hunter2@github.example/a",
        "CONNECTION": f"host=h password={secret} dbname=d",
        "OTHER": "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"[:36],
        "DATA": "/srv/data",
    }
    odd = replace(
        indexed, env=env, index_uri=f"s3://b/i?aws_secret_access_key={secret}", serve_token=TOKEN
    )
    with serving(odd, token="") as client:
        config = client.get("/api/config").json()
    assert not [name for name, text in config["env"].items() if "hunter2" in text]
    assert config["env"]["OTHER"] == "***"
    assert config["env"]["DATA"] == "/srv/data"
    assert config["env"]["REPOSITORY"] == "https://***@github.example/a"
    assert config["index_uri"] == "s3://b/i?aws_secret_access_key=***"
    assert config["model"] == "hashing"


def test_the_password_of_the_ledger_is_masked(settings: Settings) -> None:
    elsewhere = replace(settings, ledger_url="postgresql+psycopg2://me:p/w:1@db.example/ledger")
    shown = masked(resolved_settings(elsewhere))
    assert shown["ledger_url"] == "postgresql+psycopg2://***@db.example/ledger"


# -- many at once ------------------------------------------------------------------------------


def test_results_change_at_once(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    with serving(settings) as client:
        before = client.get("/api/search?q=quokka&k=1").json()
        for number in range(3):
            (docs / "new.md").write_text(f"The quokka is small wallaby number {number}.")
            index(settings)
            after = client.get("/api/search?q=quokka&k=1").json()
            assert f"number {number}" in after["hits"][0]["text"]
            assert after["version"] != before["version"]
            before = after
        (docs / "new.md").write_text("Gone.")
        assert client.get("/api/search?q=quokka&k=1").json()["hits"][0]["stale"]


def test_equal_questions_at_once_are_one(client: httpx.Client) -> None:
    before = searches(client)
    with ThreadPoolExecutor(200) as pool:
        asked = [
            pool.submit(client.get, "/api/search?q=sentence+of+part+in+note&k=40&mode=hybrid")
            for _ in range(200)
        ]
        answers = [each.result() for each in asked]
    after = searches(client)
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.dumps(answer.json()["hits"]) for answer in answers}) == 1
    assert after["computed"] - before["computed"] == 1
    assert sum(after.values()) - sum(before.values()) == 200


def test_kept_answers_and_health_do_not_wait_for_slow_questions(indexed: Settings) -> None:
    lanes, gate = Lanes(2, 1), threading.Event()
    with serving(indexed, lanes=lanes) as client:
        kept = client.get("/api/search?q=topic17").json()
        slow = [lanes.start(gate.wait) for _ in range(2)]
        assert client.get("/api/search?q=topic17").json()["hits"] == kept["hits"]
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(client.get, "/api/search?q=topic18")
            while searches(client)["computed"] < 2:
                time.sleep(0.01)
            refused = client.get("/api/search?q=topic19")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert "again" in refused.json()["error"]
            gate.set()
            assert waits.result().status_code == 200
        assert client.get("/api/search?q=topic19").status_code == 200
        assert all(each.result() for each in slow)


def test_lanes_take_as_much_as_was_said() -> None:
    lanes, gate = Lanes(1, 2), threading.Event()
    begun = [lanes.start(gate.wait) for _ in range(3)]
    with pytest.raises(BusyError):
        lanes.start(gate.wait)
    gate.set()
    assert all(each.result() for each in begun)
    assert lanes.start(lambda: 7).result() == 7
    lanes.close()


def test_answers_during_runs_are_of_one_whole_version(settings: Settings, docs: Path) -> None:
    """Each document names its generation; every answer has to hold one, that of its version."""
    add_root(settings, docs)
    generations = {publish(settings, docs, 0): 0}
    answers: list[dict[str, Any]] = []
    stop = threading.Event()
    with serving(settings) as client:

        def ask(asker: int) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                query = f"sentence {asker} {number % 5}"
                found = client.get("/api/search", params={"q": query, "k": 30})
                assert found.status_code == 200, found.text
                answers.append(found.json())

        with ThreadPoolExecutor(4) as pool:
            askers = [pool.submit(ask, asker) for asker in range(4)]
            for generation in (1, 2, 3):
                generations[publish(settings, docs, generation)] = generation
                time.sleep(0.2)
            stop.set()
            for each in askers:
                each.result()
    seen = {answer["version"] for answer in answers}
    assert len(seen) >= 3
    for answer in answers:
        expected = f"generation {generations[answer['version']]}."
        assert len(answer["hits"]) == 30
        assert all(expected in hit["text"] for hit in answer["hits"])


def publish(settings: Settings, docs: Path, generation: int) -> str:
    for number in range(40):
        text = f"Sentence {number} of note {number} in generation {generation}.\n"
        (docs / f"doc-{number:02}.txt").write_text(text)
    for path in docs.rglob("*.md"):
        path.unlink()
    index(settings, Request(allow_mass_delete=True))
    return Searcher(settings).version


# -- the command -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.proof)]
)
def test_the_command_serves_until_it_is_told_to_stop(
    indexed: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    command = [sys.executable, "-m", "beast_assets.cli", "serve", "--port", "0", "--json"]
    command += ["--home", str(indexed.home), "--token-file", str(tmp_path / "token")]
    with (tmp_path / "said").open("wb") as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=os.environ)
    assert child.stdout is not None
    url = json.loads(child.stdout.readline())["url"]
    with httpx.Client(base_url=url, headers=bearer(TOKEN), trust_env=False, timeout=60) as client:
        assert client.get("/api/search?q=topic17x2y5").json()["hits"]
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(client.get, "/api/search?q=sentence&k=1000&context=20")
            while figures(client)["beast_http_requests_in_flight", ""] < 2 and not asked.done():
                pass
            child.send_signal(number)
            assert asked.result().status_code == 200
    assert child.wait(15) == 0
    assert child.stdout.read() == b""
    child.stdout.close()
    assert (tmp_path / "said").read_text() == ""  # no question, no path, no token
