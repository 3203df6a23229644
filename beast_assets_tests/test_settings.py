"""Settings: what wins over what, what is refused and how, and when the cache counts."""

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.errors import UsageError
from beast_assets.core.settings import Settings, describe_settings, load_settings
from beast_assets.core.settings_cache import CacheInfo, SettingsCache, cache_info, get_settings


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``./config`` and an environment without settings."""
    for name in [name for name in os.environ if name.startswith("BEAST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


def loaded(**environ: str) -> Settings:
    return load_settings(environ={"HOME": os.environ["HOME"], **environ})


def refusal(overrides: dict[str, object] | None = None, **environ: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(overrides, environ)
    return str(caught.value)


def test_defaults(tmp_path: Path) -> None:
    found = loaded()
    home = tmp_path / "data" / "beast_assets"
    if sys.platform == "linux":
        assert found.home == home
        assert found.threads == len(os.sched_getaffinity(0))
    assert found == dataclasses.replace(
        found,
        roots=(),
        config_dir=tmp_path / "config",
        buckets=16,
        model="all-MiniLM-L6-v2",
        backend="auto",
        ledger_url=f"sqlite:///{found.home}/ledger.sqlite",
        index_uri=str(found.home / "index"),
        chunker="content",
        chunk_chars=1200,
        chunk_overlap=0,
        max_text_bytes=67_108_864,
        secret_scan=True,
        embed_batch=256,
        retention_days=7,
        golden_drop=0.05,
        lock_timeout_s=3600.0,
        ui_previews=False,
        sensor_seconds=30,
        watch_seconds=10,
        port=3000,
        serve_port=7171,
        serve_token="",
        serve_hosts=(),
        env={},
    )


SET = [
    ("BEAST_THREADS", "3", "threads", 3),
    ("BEAST_BUCKETS", "4096", "buckets", 4096),
    ("BEAST_MODEL", "other", "model", "other"),
    ("BEAST_BACKEND", "openvino", "backend", "openvino"),
    ("BEAST_RERANKER", "a folder", "reranker", "a folder"),
    ("BEAST_LEDGER_URL", "postgresql+psycopg2://h/d", "ledger_url", "postgresql+psycopg2://h/d"),
    ("BEAST_INDEX_URI", "s3://b/i", "index_uri", "s3://b/i"),
    ("BEAST_CHUNKER", "window", "chunker", "window"),
    ("BEAST_CHUNK_CHARS", " 800 ", "chunk_chars", 800),
    ("BEAST_CHUNK_OVERLAP", "599", "chunk_overlap", 599),
    ("BEAST_MAX_TEXT_BYTES", "1", "max_text_bytes", 1),
    ("BEAST_SECRET_SCAN", "off", "secret_scan", False),
    ("BEAST_EMBED_BATCH", "7", "embed_batch", 7),
    ("BEAST_RETENTION_DAYS", "0", "retention_days", 0),
    ("BEAST_GOLDEN_DROP", "0.2", "golden_drop", 0.2),
    ("BEAST_LOCK_TIMEOUT", "0.5", "lock_timeout_s", 0.5),
    ("BEAST_UI_PREVIEWS", "on", "ui_previews", True),
    ("BEAST_SENSOR_SECONDS", "5", "sensor_seconds", 5),
    ("BEAST_WATCH_SECONDS", "5", "watch_seconds", 5),
    ("BEAST_PORT", "65535", "port", 65_535),
    ("BEAST_SERVE_PORT", "65535", "serve_port", 65_535),
    ("BEAST_SERVE_TOKEN", "a token", "serve_token", "a token"),
    ("BEAST_SERVE_HOSTS", "a.example, [::1]:80", "serve_hosts", ("a.example", "[::1]:80")),
    ("BEAST_HOME", "/h/x", "home", Path("/h/x")),
    ("BEAST_ROOTS", "/a", "roots", (b"/a",)),
]


@pytest.mark.parametrize(("variable", "text", "name", "value"), SET)
def test_each_field_from_each_source(
    variable: str, text: str, name: str, value: object, config: Path
) -> None:
    assert getattr(loaded(**{variable: text}), name) == value
    assert getattr(load_settings({name: text}, {}), name) == value
    assert getattr(load_settings({name: value}, {}), name) == value
    for file in ("paths.env", "ports.env"):
        (config / file).write_text(f"{variable}='{text}'\n")
        assert getattr(loaded(), name) == value
        (config / file).unlink()


def test_table_has_every_field() -> None:
    names = {field.name for field in dataclasses.fields(Settings)}
    assert names == {name for _, _, name, _ in SET} | {"config_dir", "env"}
    rows = describe_settings()
    assert {row[0] for row in rows} == {variable for variable, *_ in SET} | {"BEAST_CONFIG_DIR"}
    assert all(default and help for _, default, help in rows)
    assert ("BEAST_CHUNK_CHARS", "1200", "the longest chunk, in characters") in rows


def test_later_sources_win(config: Path) -> None:
    (config / "paths.env").write_text("BEAST_THREADS=1 BEAST_BUCKETS=256 BEAST_PORT=1\n")
    assert loaded().threads == 1
    (config / "ports.env").write_text("BEAST_THREADS=2 BEAST_PORT=2\n")
    assert (loaded().threads, loaded().port, loaded().buckets) == (2, 2, 256)
    assert loaded(BEAST_THREADS="3").threads == 3
    given = load_settings({"threads": 4, "port": None}, {"BEAST_THREADS": "3", "BEAST_PORT": "9"})
    assert (given.threads, given.port, given.buckets) == (4, 9, 256)


def test_empty_counts_as_unset(config: Path) -> None:
    (config / "paths.env").write_text("BEAST_THREADS=1\n")
    (config / "ports.env").write_text("BEAST_THREADS=\nBEAST_BUCKETS=\n")
    found = load_settings({"threads": ""}, {"BEAST_THREADS": "", "BEAST_CONFIG_DIR": ""})
    assert (found.threads, found.buckets) == (1, 16)


def test_files_are_resolved_in_order_and_kept(config: Path) -> None:
    (config / "paths.env").write_text("export BASE_DIR=~/ai\nBEAST_HOME=$BASE_DIR/beast N=1\n")
    (config / "ports.env").write_text('PORT_DAGSTER=3${N}00 WHERE="${BASE_DIR}/x:$OUTER" N=2\n')
    found = load_settings(environ={"HOME": "/h", "OUTER": "o"})
    assert found.home == Path("/h/ai/beast")
    assert found.port == 3100
    assert found.env == {
        "BASE_DIR": "/h/ai",
        "BEAST_HOME": "/h/ai/beast",
        "N": "2",
        "PORT_DAGSTER": "3100",
        "WHERE": "/h/ai/x:o",
    }


def test_port_of_dagster_comes_after_every_beast_port(config: Path) -> None:
    (config / "ports.env").write_text("PORT_DAGSTER=3001\n")
    assert loaded(PORT_DAGSTER="3004").port == 3001
    assert loaded(BEAST_PORT="3002").port == 3002
    (config / "paths.env").write_text("BEAST_PORT=3003\n")
    assert loaded().port == 3003


def test_port_of_search_comes_after_every_beast_port(config: Path) -> None:
    (config / "ports.env").write_text("PORT_SEARCH=7001\n")
    assert loaded().serve_port == 7001
    assert loaded(BEAST_SERVE_PORT="7002").serve_port == 7002


def test_folders_are_absolute(tmp_path: Path) -> None:
    found = load_settings(environ={"HOME": "/h", "BEAST_HOME": "x/y", "BEAST_ROOTS": "~/a:b::~:b"})
    assert found.home == tmp_path / "x" / "y"
    assert found.roots == (b"/h/a", os.fsencode(tmp_path / "b"), b"/h")
    assert found.index_uri == str(tmp_path / "x/y/index")
    assert found.ledger_url == f"sqlite:///{tmp_path}/x/y/ledger.sqlite"
    assert load_settings(environ={"HOME": "/h", "BEAST_HOME": "~"}).home == Path("/h")
    assert load_settings({"home": "~/z"}, {"HOME": "/h"}).home == Path("/h/z")


def test_roots_keep_any_bytes() -> None:
    assert loaded(BEAST_ROOTS="/caf\udce9").roots == (b"/caf\xe9",)
    given = [b"/caf\xe9", "/a:b", Path("/c"), "/a:b"]
    assert load_settings({"roots": given}, {}).roots == (b"/caf\xe9", b"/a:b", b"/c")


def test_home_of_an_unknown_user() -> None:
    message = refusal(BEAST_HOME="~no-such-user-here/x")
    assert "BEAST_HOME='~no-such-user-here/x' from the environment must be a path" in message


BAD = [
    ("BEAST_THREADS", "0"),
    ("BEAST_THREADS", "x"),
    ("BEAST_THREADS", "1.5"),
    ("BEAST_THREADS", "-1"),
    ("BEAST_THREADS", "1_0"),
    ("BEAST_THREADS", "²"),
    ("BEAST_THREADS", "٣"),
    ("BEAST_THREADS", "9" * 5000),
    ("BEAST_BUCKETS", "17"),
    ("BEAST_CHUNK_CHARS", "99"),
    ("BEAST_CHUNK_OVERLAP", "-1"),
    ("BEAST_CHUNKER", "fixed"),
    ("BEAST_MAX_TEXT_BYTES", "64M"),
    ("BEAST_EMBED_BATCH", "0"),
    ("BEAST_LOCK_TIMEOUT", "inf"),
    ("BEAST_LOCK_TIMEOUT", "nan"),
    ("BEAST_LOCK_TIMEOUT", "-1"),
    ("BEAST_LOCK_TIMEOUT", "1e3"),
    ("BEAST_SENSOR_SECONDS", "0"),
    ("BEAST_PORT", "0"),
    ("BEAST_PORT", "65536"),
    ("BEAST_SERVE_PORT", "0"),
    ("BEAST_SERVE_HOSTS", "http://a.example"),
    ("BEAST_SERVE_HOSTS", "a/b"),
]


@pytest.mark.parametrize(("variable", "text"), BAD, ids=lambda text: text[:20])
def test_bad_values_say_what_where_and_what_is_allowed(
    variable: str, text: str, config: Path
) -> None:
    allowed = r" must be (a whole number|one of|a number of seconds|names of hosts)"
    with pytest.raises(UsageError, match=f"{variable}='{text}' from the environment{allowed}"):
        loaded(**{variable: text})
    (config / "ports.env").write_text(f"{variable}={text}\n")
    with pytest.raises(UsageError, match=f"from {config / 'ports.env'}{allowed}"):
        loaded()


def test_bad_values_from_options_and_from_the_fallback(config: Path) -> None:
    assert refusal({"threads": True}) == (
        "BEAST_THREADS=True from the command's options must be a whole number from 1 to 4096"
    )
    (config / "ports.env").write_text("PORT_DAGSTER=x\n")
    assert refusal().startswith(f"PORT_DAGSTER='x' from {config / 'ports.env'} must be")


def test_overlap_is_less_than_half_a_chunk() -> None:
    assert loaded(BEAST_CHUNK_CHARS="1000", BEAST_CHUNK_OVERLAP="499").chunk_overlap == 499
    assert refusal({"chunk_overlap": 600}) == (
        "BEAST_CHUNK_OVERLAP=600 from the command's options must be less than half of "
        "BEAST_CHUNK_CHARS=1200 from the default"
    )


def test_home_with_signs_that_mean_something_in_a_url() -> None:
    url = loaded(BEAST_HOME="/a?b#c%20d").ledger_url
    assert sqlalchemy.make_url(url).database == "/a?b#c%20d/ledger.sqlite"


def test_config_dir(tmp_path: Path, config: Path) -> None:
    other = tmp_path / "other"
    assert "is not a folder" in refusal(BEAST_CONFIG_DIR="other")
    other.mkdir()
    (other / "paths.env").write_text("BEAST_THREADS=7\n")
    assert loaded(BEAST_CONFIG_DIR="other").threads == 7
    assert loaded(BEAST_CONFIG_DIR="other").config_dir == other
    assert load_settings({"config_dir": other}, {"BEAST_CONFIG_DIR": "config"}).threads == 7
    assert "is not a folder" in refusal(BEAST_CONFIG_DIR=str(other / "paths.env"))
    assert "from the command's options is not a folder" in refusal({"config_dir": "gone"})
    (config / "ports.env").write_text(f"BEAST_CONFIG_DIR={other}\n")
    assert f"cannot be set in {config / 'ports.env'}" in refusal()
    (config / "ports.env").unlink()
    config.rmdir()
    assert loaded().config_dir == config


def test_what_the_parser_refuses_is_passed_on(config: Path) -> None:
    (config / "paths.env").write_text("A=1\nB=$(id)\n")
    assert refusal().startswith(f"{config / 'paths.env'}:2: $(...)")


def test_unknown_override_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="no such setting: env, thread"):
        load_settings({"thread": 1, "env": {}}, {})


def test_settings_are_plain_frozen_data(config: Path) -> None:
    (config / "paths.env").write_text("SECRET=hush\n")
    found = loaded(BEAST_LEDGER_URL="postgresql://u:hush@h/d")
    assert pickle.loads(pickle.dumps(found)) == found
    assert copy.deepcopy(found).env == {"SECRET": "hush"}
    assert hash(found) == hash(dataclasses.replace(found, env={}))
    assert "hush" not in repr(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.threads = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="does not support item assignment"):
        found.env["A"] = "1"  # type: ignore[index]
    with pytest.raises(TypeError, match="does not support item assignment"):
        pickle.loads(pickle.dumps(found)).env["A"] = "1"


def test_env_is_not_shared_with_the_caller() -> None:
    env = {"A": "1"}
    found = dataclasses.replace(loaded(), env=env)
    env["A"] = "2"
    assert found.env == {"A": "1"}


@given(text=st.text(st.characters(exclude_characters="\0")), variable=st.sampled_from(SET))
def test_any_text_gives_settings_or_a_usage_error(
    text: str, variable: tuple[str, str, str, object]
) -> None:
    try:
        found = load_settings(environ={"HOME": "/h", variable[0]: text})
    except UsageError as error:
        assert variable[0] in str(error)
    else:
        assert found.home.is_absolute()
        assert all(root.startswith(b"/") for root in found.roots)


def test_import_is_light() -> None:
    heavy = "{'platformdirs', 'pydantic', 'dagster', 'sqlalchemy', 'lancedb', 'numpy'}"
    code = f"import sys, beast_assets.core.settings_cache; print({heavy} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "set()\n"


ROOT = Path(__file__).parent.parent


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> SettingsCache:
    return SettingsCache(clock=clock)


def counts(cache: SettingsCache) -> tuple[int, int]:
    return cache.hits, cache.misses


def test_second_get_is_a_hit(cache: SettingsCache) -> None:
    assert cache.info() == CacheInfo(0, 0, 0.0)
    first = cache.get()
    assert cache.get() is first
    assert cache.get({}) is first
    assert cache.get({"threads": None}) is first
    assert cache.info() == CacheInfo(3, 1, 0.75)
    assert first == load_settings()


def test_ttl(cache: SettingsCache, clock: Clock) -> None:
    cache.get()
    clock.now += 4.99
    cache.get()
    assert counts(cache) == (1, 1)
    clock.now += 0.01
    cache.get()
    assert counts(cache) == (1, 2)
    clock.now += 4.99
    cache.get()
    assert counts(cache) == (2, 2)


@pytest.mark.parametrize("name", ["paths.env", "ports.env"])
def test_touch_create_replace_and_remove_are_misses(
    name: str, cache: SettingsCache, config: Path
) -> None:
    path = config / name
    assert cache.get().buckets == 16
    path.write_text("BEAST_BUCKETS=256")
    assert cache.get().buckets == 256
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    cache.get()
    assert counts(cache) == (0, 3)
    cache.get()
    assert counts(cache) == (1, 3)
    new = config / "new"
    new.write_text("BEAST_THREADS=256")
    assert new.stat().st_size == path.stat().st_size
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    new.replace(path)
    assert cache.get().threads == 256
    path.unlink()
    assert cache.get().threads != 256
    assert counts(cache) == (1, 5)


def test_same_time_other_size_is_a_miss(cache: SettingsCache, config: Path) -> None:
    path = config / "paths.env"
    path.write_text("BEAST_THREADS=1")
    cache.get()
    status = path.stat()
    path.write_text("BEAST_THREADS=17")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cache.get().threads == 17


def test_environment_and_folder_changes_are_misses(
    cache: SettingsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.get()
    monkeypatch.setenv("UNRELATED_TO_BEAST", "1")
    cache.get()
    assert counts(cache) == (1, 1)
    monkeypatch.setenv("BEAST_THREADS", "5")
    assert cache.get().threads == 5
    monkeypatch.setenv("BEAST_THREADS", "6")
    assert cache.get().threads == 6
    monkeypatch.delenv("BEAST_THREADS")
    cache.get()
    monkeypatch.setenv("BEAST_CONFIG_DIR", str(tmp_path))
    assert cache.get().config_dir == tmp_path
    monkeypatch.delenv("BEAST_CONFIG_DIR")
    assert cache.get().config_dir == tmp_path / "config"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cache.get().config_dir == tmp_path / "elsewhere" / "config"
    assert counts(cache) == (1, 7)


def test_each_set_of_overrides_is_kept(cache: SettingsCache) -> None:
    roots: list[object] = ["/a", Path("/b")]
    assert cache.get({"threads": 1}).threads == 1
    assert cache.get({"threads": 2}).threads == 2
    assert cache.get({"roots": roots}).roots == (b"/a", b"/b")
    assert cache.get({"threads": 1}).threads == 1
    assert cache.get({"roots": list(roots)}).roots == (b"/a", b"/b")
    assert counts(cache) == (2, 3)
    with pytest.raises(UsageError):
        cache.get({"threads": True})


def test_overrides_do_not_pile_up(cache: SettingsCache) -> None:
    for number in range(1, 200):
        assert cache.get({"threads": number}).threads == number
    assert len(cache._entries) <= 32


def test_a_failure_is_not_kept(cache: SettingsCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.get()
    monkeypatch.setenv("BEAST_THREADS", "x")
    for _ in range(2):
        with pytest.raises(UsageError, match="BEAST_THREADS"):
            cache.get()
    monkeypatch.delenv("BEAST_THREADS")
    cache.get()
    assert counts(cache) == (1, 3)


def test_many_threads_get_one_value(config: Path) -> None:
    (config / "paths.env").write_text("BEAST_THREADS=9\n")
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            found, cache = get_at_once(threads=8)
            assert {each.threads for each in found} == {9}
            assert len({id(each) for each in found}) == 1
            assert counts(cache) == (len(found) - 1, 1)
    finally:
        sys.setswitchinterval(usual)


def get_at_once(threads: int) -> tuple[list[Settings], SettingsCache]:
    cache, barrier = SettingsCache(ttl_s=3600.0), Barrier(threads)

    def get_often(_: int) -> list[Settings]:
        barrier.wait(timeout=10)
        return [cache.get() for _ in range(10)]

    with ThreadPoolExecutor(threads) as pool:
        return [each for part in pool.map(get_often, range(threads)) for each in part], cache


def test_the_process_has_one_cache() -> None:
    before = cache_info()
    first = get_settings({"threads": 11})
    assert get_settings({"threads": 11}) is first
    after = cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)
