"""The ``beast`` command: one subcommand, one function, no logic.

Nothing heavy is imported here: a command that has nothing to do must not pay for what it does not
use.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from beast_assets import __version__
from beast_assets.core.errors import BeastError, HeldBackError, UsageError
from beast_assets.core.settings import Settings
from beast_assets.core.settings_cache import get_settings
from beast_assets.core.words import printable

Command = Callable[..., None]
_SHOWN = 20


class Output:
    """Where a command's answer goes: words for people, or one JSON object as the last line."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def answer(self, data: dict[str, Any], lines: Sequence[str]) -> None:
        """Print ``data`` as JSON, or ``lines`` for people."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=True))
        else:
            for line in lines:
                click.echo(printable(line))


def one_line(text: str) -> str:
    """Printable text, a path say, that cannot pass for two lines."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def common_options(command: Command) -> Command:
    """Give a command ``--home`` and ``--json`` and hand it settings and output."""

    @click.option(
        "--home", type=click.Path(path_type=Path), help="The home folder (default: BEAST_HOME)."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
    @wraps(command)
    def wrapped(home: Path | None, as_json: bool, **options: Any) -> None:
        output = Output(as_json)
        try:
            command(get_settings({"home": home}), output, **options)
        except BeastError as error:
            _fail(output, error)
        except (OSError, UnicodeError) as error:
            _fail(output, BeastError(str(error)))
        except Exception as error:
            _fail(output, _of_storage(error))

    return wrapped


def _of_storage(error: Exception) -> BeastError:
    # Of databases only the message is of use to a user; all else is ours to mend.
    if type(error).__module__.startswith("sqlalchemy"):
        return BeastError(f"the database cannot be used: {getattr(error, 'orig', None) or error}")
    if "LanceError(IO)" in str(error):
        return BeastError(f"the index cannot be read or written: {error}")
    raise error


def _fail(output: Output, error: BeastError) -> NoReturn:
    click.echo(f"beast: {printable(str(error))}", err=True)
    if output.as_json:
        click.echo(json.dumps({"error": str(error), "exit_code": error.exit_code}))
    sys.exit(error.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="beast")
def cli() -> None:
    """Keep folders of files searchable by meaning, and never do the same work twice."""


@cli.command()
@click.argument("dirs", nargs=-1, type=click.Path(path_type=bytes), metavar="[DIR]...")
@click.option("--rehash", is_flag=True, help="Read and hash every file again.")
@click.option("--rebuild", is_flag=True, help="Build anew with today's model and chunker.")
@click.option(
    "--allow-mass-delete", is_flag=True, help="Let a folder lose all or most of its files."
)
@common_options
def index(settings: Settings, output: Output, dirs: tuple[bytes, ...], **flags: bool) -> None:
    """Add folders and bring the index up to date with the disk."""
    from beast_assets.core.roots import existing_root
    from beast_assets.indexing import index_now

    roots = [existing_root(path) for path in dirs]
    with _progress(output):
        counts = index_now(settings, roots, **flags)
    _answer_counts(output, counts)


@cli.command()
@click.option("--rebuild", is_flag=True, help="Build anew with today's model and chunker.")
@common_options
def publish(settings: Settings, output: Output, rebuild: bool) -> None:
    """Bring the index up to date even if the golden queries find less in it."""
    from beast_assets.indexing import index_now

    with _progress(output):
        counts = index_now(settings, rebuild=rebuild, accept_drop=True)
    _answer_counts(output, counts)


def _answer_counts(output: Output, counts: dict[str, Any]) -> None:
    output.answer(counts, _index_lines(counts))
    if counts["unavailable"] or counts["held_back"]:
        sys.exit(HeldBackError.exit_code)


def _index_lines(counts: dict[str, Any]) -> list[str]:
    away = [*counts["unavailable"], *(held["reason"] for held in counts["held_back"])]
    lines = [f"held back: {reason}" for reason in away]
    summary = (
        "{scanned} files: {added} added, {changed} changed, {removed} removed, {unchanged} same"
        " ({skipped} without text, {quarantined} quarantined)\n"
        "{chunks_total} chunks: {chunks_written} written, {embedded} embedded, {reused} reused"
    ).format_map(counts)
    where = f"buckets {', '.join(counts['buckets'])}" if counts["buckets"] else "nothing to do"
    return [*lines, summary, f"{where}; {counts['seconds']} s"]


@contextmanager
def _progress(output: Output) -> Iterator[None]:
    if output.as_json or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from beast_assets.core.progress import listener

    columns = [*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("scan", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        token = listener.set(show)
        try:
            yield
        finally:
            listener.reset(token)


@cli.command()
@click.argument("query")
@click.option("-k", "k", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option("--mode", default="hybrid", show_default=True, help="hybrid, vector or text.")
@click.option("--path", "paths", multiple=True, help="A glob as in .gitignore, or a folder.")
@click.option("--ext", "extensions", multiple=True, help="Files of this extension.")
@click.option("--root", "roots", multiple=True, help="An indexed folder.")
@click.option("--after", default="", help="Files modified since: 2026-11-22, 7d, 12h, 1y.")
@click.option("--before", default="", help="Files modified until.")
@click.option("--content", multiple=True, help="Files of this SHA-256.")
@click.option("--per-file", default=0, type=click.IntRange(0), help="At most N hits of a file.")
@click.option("--context", default=0, type=click.IntRange(0), help="Join N neighbours each side.")
@click.option("--copies", is_flag=True, help="List passages that say nearly the same, too.")
@click.option("--rerank", is_flag=True, help="Order the best by the cross-encoder that is set.")
@click.option("--scores", is_flag=True, help="Show the parts of each score.")
@common_options
def search(settings: Settings, output: Output, query: str, scores: bool, **options: Any) -> None:
    """Find passages by meaning and by words."""
    from beast_assets.core.search import Searcher
    from beast_assets.core.search.words import hit_lines

    hits = Searcher(settings).search(query, **options)
    shown = [hit_lines(number, hit, scores=scores) for number, hit in enumerate(hits, 1)]
    lines = [line for one in shown for line in one] or ["nothing found"]
    output.answer({"hits": hits.to_dicts(), "version": hits.version}, lines)


@cli.command()
@common_options
def status(settings: Settings, output: Output) -> None:
    """Show what the index holds."""
    from beast_assets.core.status import index_status
    from beast_assets.core.words import in_words

    found = index_status(settings)
    output.answer(found, in_words(found))


@cli.command()
@click.argument("dirs", nargs=-1, type=click.Path(path_type=bytes), metavar="[DIR]...")
@click.option("--all", "everything", is_flag=True, help="Name every path, not the first 20.")
@common_options
def plan(settings: Settings, output: Output, dirs: tuple[bytes, ...], everything: bool) -> None:
    """Show what the next `beast index` would do, and do none of it."""
    from beast_assets.core.preview import preview
    from beast_assets.core.roots import existing_root

    found = preview(settings, [existing_root(path) for path in dirs])
    at_most = None if everything else _SHOWN
    output.answer(found.to_dict(at_most), found.lines(at_most))


@cli.command()
@click.option(
    "--read-data-subset",
    "subset",
    metavar="5%|N|all",
    help="Also read, cut and embed again a share of the files, N of them, or all.",
)
@click.option("--seed", type=click.IntRange(0), help="Choose the same files as another time.")
@click.option("--repair", is_flag=True, help="Write anew what differs, and verify again.")
@common_options
def verify(
    settings: Settings, output: Output, subset: str | None, seed: int | None, repair: bool
) -> None:
    """Compare ledger, index and disk; exit with 1 if anything differs."""
    import secrets

    from beast_assets.core.sampling import parse_sample
    from beast_assets.core.verify import verify as run
    from beast_assets.indexing import repair_now

    sample = None if subset is None else parse_sample(subset)
    seed = secrets.randbelow(2**31) if seed is None else seed
    if repair:
        found, repaired = repair_now(settings, sample, seed)
    else:
        found, repaired = run(settings, sample, seed), []
    output.answer(found.to_dict(repaired), found.lines(repaired))
    if found.differences:
        sys.exit(BeastError.exit_code)


@cli.command()
@click.argument("path", type=click.Path(path_type=bytes))
@click.option("--query", help="Also say where this query ranks the file.")
@common_options
def explain(settings: Settings, output: Output, path: bytes, query: str | None) -> None:
    """Say why a path is in the index or not, and what is known of it."""
    from beast_assets.core.explain import explain as run
    from beast_assets.core.explain import explanation_lines

    found = run(settings, path, query)
    output.answer(found, explanation_lines(found))


@cli.group()
def quarantine() -> None:
    """List files that could not be read, and have them tried again."""


@quarantine.command("list")
@click.option("--all", "everything", is_flag=True, help="Skipped files, too, by reason.")
@common_options
def quarantine_listed(settings: Settings, output: Output, everything: bool) -> None:
    """List the files with which something is wrong."""
    from beast_assets.core.quarantine import quarantine_lines, quarantine_list

    found = quarantine_list(settings, skipped=everything)
    output.answer(found, quarantine_lines(found))


@quarantine.command("retry")
@click.argument("paths", nargs=-1, type=click.Path(path_type=bytes), metavar="[PATH]...")
@common_options
def quarantine_retry(settings: Settings, output: Output, paths: tuple[bytes, ...]) -> None:
    """Have the next `beast index` read quarantined files again (all, if none is named)."""
    from beast_assets.core.quarantine import retry

    marked = retry(settings, paths)
    output.answer({"marked": marked}, [f"will be tried again: {path}" for path in marked])


@cli.group()
def golden() -> None:
    """Keep queries with files that they have to find: runs ask them before they publish."""


@golden.command("add")
@click.argument("query")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=bytes), metavar="PATH..."
)
@common_options
def golden_add(settings: Settings, output: Output, query: str, paths: tuple[bytes, ...]) -> None:
    """Add a query and what answers it: files, or folders for any file below."""
    from beast_assets.core.golden.queries import add

    added = add(settings, query, paths).to_dict()
    output.answer({"added": added}, [f"added: {one_line(added['query'])}"])


@golden.command("list")
@common_options
def golden_listed(settings: Settings, output: Output) -> None:
    """List the queries with their numbers."""
    from beast_assets.core.golden.summary import golden_lines, listed

    found = listed(settings)
    output.answer({"golden": found}, golden_lines(found))


@golden.command("remove")
@click.argument("which", metavar="N|QUERY")
@common_options
def golden_remove(settings: Settings, output: Output, which: str) -> None:
    """Remove a query, by its number in the list or by its words."""
    from beast_assets.core.golden.queries import remove

    removed = remove(settings, which).to_dict()
    output.answer({"removed": removed}, [f"removed: {one_line(removed['query'])}"])


@golden.command("make")
@click.argument("count", type=click.IntRange(1, 10_000), metavar="N")
@click.option("--seed", default=0, show_default=True, help="Another seed, other queries.")
@common_options
def golden_make(settings: Settings, output: Output, count: int, seed: int) -> None:
    """Make N queries of the words of indexed files; each has to find its file."""
    from beast_assets.core.golden.making import make

    made = [query.to_dict() for query in make(settings, count, seed)]
    output.answer({"made": made}, [f"made: {query['query']}" for query in made])


@golden.command("run")
@common_options
def golden_run(settings: Settings, output: Output) -> None:
    """Ask the queries of the published index."""
    from beast_assets.core.golden.summary import run_golden, run_lines

    found = run_golden(settings)
    output.answer(found, run_lines(found))


@cli.group()
def roots() -> None:
    """List, add and remove the folders that are indexed."""


@roots.command("list")
@common_options
def roots_list(settings: Settings, output: Output) -> None:
    """List the folders that are indexed."""
    from beast_assets.core.ledger import Ledger
    from beast_assets.core.words import show_path

    paths = [show_path(root.path) for root in Ledger.open_existing(settings.ledger_url).roots()]
    output.answer({"roots": paths}, [one_line(path) for path in paths])


@roots.command("add")
@click.argument("dirs", nargs=-1, required=True, type=click.Path(path_type=bytes), metavar="DIR...")
@common_options
def roots_add(settings: Settings, output: Output, dirs: tuple[bytes, ...]) -> None:
    """Add folders; the next `beast index` takes them in."""
    from beast_assets.core.home import prepare_home
    from beast_assets.core.ledger import Ledger
    from beast_assets.core.roots import existing_root, register_roots
    from beast_assets.core.words import show_path

    paths = [existing_root(path) for path in dirs]
    prepare_home(settings)
    ledger = Ledger.open(settings.ledger_url)
    added = [show_path(root.path) for root in register_roots(ledger, paths, settings.home)]
    lines = [f"added {one_line(path)}" for path in added]
    output.answer({"added": added}, lines or ["covered already"])


@roots.command("remove")
@click.argument("folder", type=click.Path(path_type=bytes), metavar="DIR")
@common_options
def roots_remove(settings: Settings, output: Output, folder: bytes) -> None:
    """Remove a folder; the next `beast index` takes its files out of the index."""
    from beast_assets.core.ledger import Ledger
    from beast_assets.core.roots import find_root
    from beast_assets.core.words import show_path

    ledger = Ledger.open_existing(settings.ledger_url)
    root = find_root(ledger, folder)
    ledger.remove_root(root.root_id)
    removed = show_path(root.path)
    output.answer({"removed": removed}, [f"removed {one_line(removed)}"])


@cli.command()
@click.option(
    "--root", type=click.Path(path_type=bytes), help="Which folder, if there are several."
)
@click.option("--output", "target", type=click.Path(path_type=Path), help="A file to write to.")
@common_options
def manifest(settings: Settings, output: Output, root: bytes | None, target: Path | None) -> None:
    """Write the indexed files' hashes as `sha256sum -c` reads them, paths relative to the root."""
    from beast_assets.core.export import export_manifest

    path, files = export_manifest(settings, root, target)
    if target is not None or output.as_json:
        output.answer({"root": path, "files": files}, [f"{files} files of {path}"])


@cli.command()
@common_options
def maintain(settings: Settings, output: Output) -> None:
    """Merge the index's fragments; remove old versions and what was deleted long enough ago."""
    from dataclasses import asdict

    from beast_assets.core.maintenance import maintain as run

    done = run(settings)
    saved = f"{done.bytes_before / 1e6:.1f} MB before, {done.bytes_after / 1e6:.1f} MB after"
    removed = f"{done.vectors_removed} unused vectors and {done.tables_removed} old tables removed"
    purged = "deleted rows purged" if done.purged else "no deleted rows were due"
    rows = f"{done.rows} rows, version {done.version}: {saved}"
    output.answer(asdict(done), [rows, f"{removed}; {purged}"])


@cli.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=bytes), metavar="PATH..."
)
@click.option("--undo", is_flag=True, help="Let forgotten paths back in.")
@common_options
def forget(settings: Settings, output: Output, paths: tuple[bytes, ...], undo: bool) -> None:
    """Take files or folders out of the index now, with every trace; what still exists stays out."""
    from beast_assets.core.forget import forget as run
    from beast_assets.core.forget import remember
    from beast_assets.core.words import show_path

    if undo:
        back = [show_path(path) for path in remember(settings, paths)]
        output.answer({"remembered": back}, [f"the next run indexes {path}" for path in back])
        return
    done = run(settings, paths, timeout_s=5)
    excluded = [show_path(path) for path in done.excluded]
    counts = {"files": done.files, "chunks": done.chunks, "vectors": done.vectors}
    lines = ["forgot {files} files, {chunks} chunks; {vectors} vectors removed".format_map(counts)]
    lines += [f"stays out from now on: {path}" for path in excluded]
    output.answer({**counts, "excluded": excluded}, lines)


@cli.command("eval")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--against", multiple=True, metavar="NAME=VALUE", help="A second recipe's setting.")
@click.option("--split", help="Which judgements of qrels/ (default: test).")
@common_options
def evaluate(
    settings: Settings, output: Output, folder: Path, against: tuple[str, ...], split: str | None
) -> None:
    """Measure retrieval on a data set in the layout of BEIR."""
    from beast_assets.core.evaluation import evaluate as run
    from beast_assets.core.evaluation.words import evaluation_lines, parse_variables

    with _progress(output):
        found = run(settings, folder, parse_variables(against), split)
    output.answer(found, evaluation_lines(found))


@cli.command()
@click.option(
    "--home", type=click.Path(path_type=Path), help="The home folder (default: BEAST_HOME)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def doctor(home: Path | None, as_json: bool) -> None:
    """Say what is wrong and what to do about it; exit with 1 if anything fails."""
    from beast_assets.doctor import examine_home, leave

    found = examine_home(home)
    Output(as_json).answer(found.to_dict(), found.lines())
    leave(found)


@cli.command()
@click.argument("name", required=False)
@common_options
def config(settings: Settings, output: Output, name: str | None) -> None:
    """Show the resolved settings, or the value of one."""
    from beast_assets.core.status import resolved_settings

    values = resolved_settings(settings)
    if name is None:
        lines = [f"{key}: {value}" for key, value in values.items() if key != "env"]
        lines += [f"env {key}={value}" for key, value in values["env"].items()]
        output.answer(values, lines)
    else:
        if name not in values:
            raise UsageError(f"no setting {name!r}: one of {', '.join(values)}")
        output.answer({name: values[name]}, [str(values[name])])


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the webserver.")
@common_options
def dev(settings: Settings, output: Output, port: int | None) -> None:
    """Run Dagster's webserver and daemon on the home's instance, on this machine only."""
    from beast_assets.dev import run_dev

    sys.exit(run_dev(settings, settings.port if port is None else port))


@cli.command()
@common_options
def mcp(settings: Settings, output: Output) -> None:
    """Answer agents by the Model Context Protocol; a client starts this, on its own pipes."""
    from beast_assets.serving.mcp import run_mcp

    run_mcp(settings)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Its port; 0 for a free one.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds the token.")
@common_options
def serve(
    settings: Settings, output: Output, host: str, port: int | None, token_file: Path | None
) -> None:
    """Answer over HTTP, with a page to search from; on this machine only unless told otherwise."""
    from functools import partial

    from beast_assets.doctor import health_report
    from beast_assets.serving.server import serve as run

    def started(url: str) -> None:
        output.answer({"url": url}, [f"{url}  (home {settings.home}; Ctrl-C ends it)"])

    chosen = settings.serve_port if port is None else port
    health = partial(health_report, settings)
    run(settings, host, chosen, token_file, started=started, health=health)


@cli.command()
@click.option("--pause", "order", flag_value="pause", help="Have the watcher rest, now and later.")
@click.option("--resume", "order", flag_value="resume", help="Have it go on.")
@click.option("--status", "order", flag_value="status", help="Say what it does.")
@click.option("--nice", is_flag=True, help="Give way to all else on this machine.")
@click.option("--stop-on-battery", is_flag=True, help="Rest while on battery.")
@common_options
def watch(
    settings: Settings, output: Output, order: str | None, nice: bool, stop_on_battery: bool
) -> None:
    """Keep the index up to date until it is stopped; a save is found within a second or two."""
    from beast_assets.core.watch_state import set_paused, watch_status
    from beast_assets.core.words import in_words
    from beast_assets.watch import watch as run

    if order is None:
        run(
            settings,
            lambda data, line: output.answer(dict(data), [line]),
            nice=nice,
            stop_on_battery=stop_on_battery,
        )
        return
    if order != "status":
        set_paused(settings, order == "pause")
    found = watch_status(settings)
    output.answer(found, in_words(found))


@cli.command()
@click.argument(
    "names",
    nargs=-1,
    required=True,
    metavar="[hash|scan|config|files|ideas|dagster|cold|search|serve|retrieval|ann|edits|freshness|embedding|ingest|all]...",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option("--plot", is_flag=True, help="Draw each into docs/img.")
@click.option("--record", is_flag=True, help="Put the figures into docs/PERFORMANCE.md.")
@click.option("--rounds", type=click.IntRange(3), help="How many turns each pair takes.")
@click.option("--quick", is_flag=True, help="Tiny sizes: does it work? The figures mean nothing.")
def bench(names: tuple[str, ...], as_json: bool, rounds: int | None, **flags: bool) -> None:
    """Measure against what one would use otherwise (from a checkout; `all` for everything)."""
    from beast_assets.bench import run_benchmarks

    flags["json"] = as_json
    words = [f"--{flag}" for flag, on in flags.items() if on]
    turns = [] if rounds is None else [f"--rounds={rounds}"]
    try:
        sys.exit(run_benchmarks([*names, *words, *turns]))
    except BeastError as error:
        _fail(Output(as_json), error)


def main() -> None:
    """Entry point of the ``beast`` console script."""
    os.umask(0o077)
    cli()


if __name__ == "__main__":
    main()
