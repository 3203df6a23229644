"""Dagster as its users start it: its command line, its webserver, its daemon."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from beast_assets.core.home import dagster_home, prepare_home
from beast_assets.core.ledger import Ledger
from beast_assets.core.settings import Settings
from beast_assets.defs.names import ASSETS
from beast_assets.defs.runs import IN_FLIGHT, processes_of
from beast_assets_tests.conftest import Beast, document, settle
from beast_assets_tests.homes import add_root, open_to_others, paths
from beast_assets_tests.test_definitions import materialized
from beast_assets_tests.test_pipeline import file_in_bucket

SELECTION = [{"path": [name]} for name in ASSETS]


def wait_for(what: str, reached: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := reached():
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


def dagster(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "dagster", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"DAGSTER_HOME": str(home)}
    )
    assert done.returncode == 0, done.stderr[-4_000:]


def test_command_line_materializes_a_partition_and_a_range(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    home = dagster_home(settings)
    words = ["asset", "materialize", "-m", "beast_assets.definitions", "--select", "*"]
    dagster(home, *words, "--partition", "3")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert materialized(instance) == {name: ["3"] for name in ASSETS}
    dagster(home, *words, "--partition-range", "0...f")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert materialized(instance) == {name: list("0123456789abcdef") for name in ASSETS}
    assert len(paths(settings)) == 40
    assert open_to_others(settings) == []


class Server:
    """A real ``beast dev``: webserver, daemon and code server."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}/graphql"

    def query(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url, body, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.loads(response.read())
        assert "errors" not in answer, answer
        return answer["data"]

    def is_up(self) -> bool:
        query = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
        try:
            entries = self.query(query)["workspaceOrError"]["locationEntries"]
        except OSError:
            return False
        return [entry["loadStatus"] for entry in entries] == ["LOADED"]

    def backfill(self, partitions: list[str]) -> str:
        launched = self.query(
            "mutation($params: LaunchBackfillParams!) {"
            " launchPartitionBackfill(backfillParams: $params) { __typename"
            " ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
            params={"assetSelection": SELECTION, "partitionNames": partitions, "tags": []},
        )["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfill_status(self, backfill: str) -> str:
        return str(
            self.query(
                "query($id: String!) { partitionBackfillOrError(backfillId: $id)"
                " { ... on PartitionBackfill { status } } }",
                id=backfill,
            )["partitionBackfillOrError"]["status"]
        )


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = settings.home.with_name("dev.log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "beast_assets.cli", "dev", "--port", str(port)],
            env=os.environ | {"BEAST_SENSOR_SECONDS": "5"},
            stdout=out,
            stderr=out,
        )
    server = Server(port, process)
    try:
        wait_for("the webserver", server.is_up)
        yield server
    except AssertionError as error:
        error.add_note(log.read_text(errors="replace")[-5_000:])
        raise
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        gone, alive = psutil.wait_procs(children, timeout=10)
        assert not alive, f"left behind by beast dev: {alive}"
        assert gone


def runs(settings: Settings, *statuses: dg.DagsterRunStatus) -> int:
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        return instance.get_runs_count(dg.RunsFilter(statuses=list(statuses)))


def test_daemon_serves_a_backfill_and_the_sensor(
    settings: Settings, docs: Path, beast: Beast
) -> None:
    settle()
    beast("index", docs)
    with serving(settings) as server:
        # A backfill over a set with gaps, launched as the UI launches it. It materializes what was
        # asked for, though nothing changed there.
        backfill = server.backfill(["1", "3", "9", "c"])

        def finished() -> bool:
            status = server.backfill_status(backfill)
            assert "FAIL" not in status
            return status == "COMPLETED_SUCCESS"

        wait_for("the backfill", finished)
        with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
            filters = dg.RunsFilter(tags={"dagster/backfill": backfill})
            assert {run.status for run in instance.get_runs(filters)} == {
                dg.DagsterRunStatus.SUCCESS
            }
            asked = {
                (event.asset_key.to_user_string(), event.partition)
                for run in instance.get_runs(filters)
                for record in instance.all_logs(
                    run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
                )
                if record.dagster_event is not None
                for event in [record.dagster_event.step_materialization_data.materialization]
            }
            assert asked == {(name, key) for name in ASSETS for key in "139c"}

        # An edit is carried in by the sensor, nobody asking for it.
        file_in_bucket(docs, "7").write_text("A walrus came by itself.\n")
        name = file_in_bucket(docs, "7").name.encode()
        wait_for("the sensor's run", lambda: name in paths(settings))
        wait_for("its end", lambda: runs(settings, *IN_FLIGHT) == 0)
        assert runs(settings, dg.DagsterRunStatus.FAILURE) == 0
    assert open_to_others(settings) == []


def test_sensor_goes_on_after_a_killed_run(settings: Settings, docs: Path) -> None:
    for number in range(40, 240):
        (docs / f"note-{number:03}.md").write_text(document(number, 8))
    prepare_home(settings)
    command = [sys.executable, "-m", "beast_assets.cli", "index", str(docs)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_for("the run", lambda: runs(settings, dg.DagsterRunStatus.STARTED), 60)
        process.kill()
    assert runs(settings, *IN_FLIGHT) == 1
    assert Ledger.open_existing(settings.ledger_url).published() is None
    with serving(settings):
        wait_for(
            "the sensor's run",
            lambda: runs(settings, dg.DagsterRunStatus.SUCCESS) == 1,
        )
    assert len(paths(settings)) == 240
    assert runs(settings, dg.DagsterRunStatus.FAILURE) == 1
    assert runs(settings, *IN_FLIGHT) == 0


def worker_of_a_run(settings: Settings) -> int | None:
    """The process that a run under way told its number."""
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            for pid, _ in processes_of(instance, run.run_id):
                return pid
    return None


@pytest.mark.proof
def test_killed_worker_of_the_daemon_is_noticed(settings: Settings, docs: Path) -> None:
    for number in range(40, 440):
        (docs / f"note-{number:03}.md").write_text(document(number, 8))
    add_root(settings, docs)
    with serving(settings):
        pid = wait_for("the sensor's run", lambda: worker_of_a_run(settings))
        os.kill(pid, signal.SIGKILL)
        wait_for("another run", lambda: runs(settings, dg.DagsterRunStatus.SUCCESS) == 1)
    assert runs(settings, dg.DagsterRunStatus.FAILURE) == 1
    assert runs(settings, *IN_FLIGHT) == 0
    assert len(paths(settings)) == 440
