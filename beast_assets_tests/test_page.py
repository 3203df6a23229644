"""The search page: a real browser, a real server process, a real index."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.browsers import Watched, browser, needs_chromium, server, watched
from beast_assets_tests.conftest import document
from beast_assets_tests.homes import add_root, index

pytestmark = needs_chromium

# A busy machine is no fault of the page.
expect.set_options(timeout=20_000)

TOKEN = "correct-horse-battery"
ANIMALS = ["wombat", "dingo", "emu", "kiwi", "koala", "lemur", "numbat", "okapi", "tapir", "yak"]
PHONE = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True}
DEEP = "/".join(["deep" * 60] * 12)
TAG = "<img src=x onerror=window.pwned=1>"
NAMES = [
    f"{TAG}.md".encode(),
    "left\u202eexe.md".encode(),
    "ze\u200bro.md".encode(),
    b"two\nlines.md",
    b"\x1b[31mred.md",
    b"no\xfftext.md",
    f"{DEEP}/{'n' * 200}.md".encode(),
]
EVIL = (
    f"quagga {TAG} <script>window.pwned = 2</script> [a](javascript:window.pwned=3)\n"
    "<style>@import 'http://192.0.2.1/x.css';</style> \x1b[31mred \u202eterces\u202c &lt;b&gt;\n"
    f"{'unbroken' * 200}\n"
)


def hostile(folder: Path) -> None:
    for number, name in enumerate(NAMES):
        path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 bytes
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 bytes
        with open(path, "wb") as file:  # noqa: PTH123 bytes
            file.write(f"Number {number}. {EVIL}".encode())


def settings_of(home: Path) -> Settings:
    return load_settings({"home": home, "model": "hashing"})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with an index, and the addresses of a server without and one with a token."""
    folder, home = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("homes") / "home"
    for name in ANIMALS:
        (folder / f"{name}.md").write_text(f"# The {name}\n\nEach {name} sleeps. A {name}!\n")
    (folder / "code.py").write_text("def walrus():\n    return [y for x in it if (y := f(x))]\n")
    (folder / "long.md").write_text(document(50, paragraphs=40))
    hostile(folder)
    settings = settings_of(home)
    add_root(settings, folder)
    index(settings)
    with ExitStack() as stack:
        yield (
            folder,
            {
                "open": stack.enter_context(server(home)),
                "token": stack.enter_context(server(home, token=TOKEN)),
            },
        )


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as started:
        yield started


Visit = Callable[..., Any]


@pytest.fixture
def visit(chrome: Browser, served: tuple[Path, dict[str, str]]) -> Iterator[Visit]:
    """Go to an address below the server's, as a new visitor."""
    with ExitStack() as stack:

        def go(where: str = "/", url: str = "", **options: Any) -> Watched:
            base = url or served[1]["open"]
            one: Watched = stack.enter_context(watched(chrome, base, **options))
            one.page.goto(base + where)
            return one

        yield go


def hits(page: Page) -> Any:
    return page.locator(".hit")


def names(page: Page) -> list[str]:
    return page.locator(".hit .file").all_text_contents()


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def ask(page: Page, words: str, first: str) -> None:
    page.locator("#box").select_text()
    page.keyboard.type(words)  # as a person does: the browser skips entries that nobody made
    expect(page.locator(".hit .file").first).to_have_text(first)


@contextmanager
def held(page: Page, word: str) -> Iterator[list[Route]]:
    """Answers to questions with this word are kept back until the end."""
    routes: list[Route] = []
    page.route(re.compile(f"api/search.*{word}"), lambda route: routes.append(route))
    yield routes
    for route in routes:
        route.continue_()


# -- asking ----------------------------------------------------------------------------------------


def test_hits_come_while_typing_with_their_words_marked(visit: Visit) -> None:
    page = visit().page
    expect(page.locator("#instead")).to_contain_text("Ask a question")
    expect(page.locator("#box")).to_be_focused()
    page.keyboard.type("a sleeping wombat", delay=5)
    expect(page.locator(".hit .file").first).to_have_text("wombat.md")
    expect(hits(page).first.locator("mark")).to_have_text(["wombat", "wombat", "sleeps", "wombat"])
    expect(page.locator("#count")).to_contain_text("10 passages in")
    expect(page.locator("#live")).to_have_text("10 passages")
    expect(hits(page).first.locator(".where")).to_contain_text(re.compile(r"lines \d+–\d+"))
    expect(page.locator("#brief")).to_contain_text(re.compile(r"[\d,]+ passages, updated"))
    page.locator("#status summary").click()
    expect(page.locator("#facts")).to_contain_text("degraded, 18 checks")  # no daemon runs here


def test_answers_are_never_out_of_order_and_nothing_flickers(visit: Visit) -> None:
    page = visit().page
    ask(page, "wombat", "wombat.md")
    with held(page, "dingo") as routes:
        page.locator("#box").fill("dingo")
        expect(page.locator("html.busy")).to_be_attached()
        assert names(page)[0] == "wombat.md"  # the older answer stays until the newer is there
        page.locator("#box").fill("okapi")
        expect(page.locator(".hit .file").first).to_have_text("okapi.md")
    assert len(routes) == 1
    page.wait_for_timeout(100)
    assert names(page)[0] == "okapi.md"
    expect(page.locator("html.busy")).not_to_be_attached()


def test_filters_narrow_and_stand_in_the_address(visit: Visit) -> None:
    page = visit("/?q=sleeps+walrus").page
    page.locator("#ext").fill(".PY")
    expect(page.locator(".hit .file")).to_have_text(["code.py"])
    assert asked(page) == {"q": ["sleeps walrus"], "ext": [".PY"]}
    page.get_by_label("Words").check()
    page.locator("#path").fill("[k-l]*.md")
    page.locator("#ext").fill("")
    page.locator("#per-file").select_option("1")
    page.locator("#after").select_option("7d")
    expect(page.locator(".hit .file").first).to_have_text(re.compile("^[kl]"))
    page.wait_for_url(re.compile("after=7d"))
    given = {"mode": ["text"], "path": ["[k-l]*.md"], "after": ["7d"], "per_file": ["1"]}
    assert asked(page) == {"q": ["sleeps walrus"], **given}
    assert len(names(page)) == len(set(names(page)))
    page.reload()
    assert page.locator("#path").input_value() == "[k-l]*.md"
    expect(page.locator("#filters-count")).to_have_text(" 3")
    page.locator("#ext").fill("none")
    page.get_by_role("button", name="Search without filters").click()
    expect(page.locator("#reset")).to_be_hidden()
    assert asked(page) == {"q": ["sleeps walrus"], "mode": ["text"]}


def test_a_wrong_filter_is_told_in_the_servers_words(visit: Visit) -> None:
    one = visit("/?q=topic&path=%5C")
    one.expected.append("400")
    expect(one.page.locator("#instead")).to_contain_text("is no pattern")


def test_more_passages_more_text_and_what_a_score_is_made_of(visit: Visit) -> None:
    page = visit("/?q=topic50x17y5").page
    first = hits(page).first
    text = first.locator(".snippet").inner_text()
    first.get_by_role("button", name="more").click()
    expect(first.get_by_role("button", name="less")).to_be_focused()
    assert len(first.locator(".snippet").inner_text()) > len(text)
    assert "topic50x17y5" in text
    first.get_by_role("button", name="Score").click()
    expect(first.locator(".scores")).to_contain_text(re.compile(r"meaning.*words.*rank 1"))
    page.get_by_role("button", name="Show more passages").click()
    expect(hits(page)).to_have_count(20)
    expect(hits(page).nth(10)).to_be_focused()


# -- opening ---------------------------------------------------------------------------------------


def test_a_passage_opens_in_its_context(visit: Visit, served: tuple[Path, Any]) -> None:
    page = visit("/?q=topic50x17y5").page
    hits(page).first.locator(".name a").click()
    own = page.locator(".row.own")
    expect(own.filter(has_text="topic50x17y5")).to_have_count(1)
    lines = (served[0] / "long.md").read_text().splitlines()
    rows = page.locator(".row")

    def shown() -> dict[int, str]:
        pairs = rows.evaluate_all("all => all.map(row => [row.dataset.line, row.textContent])")
        return {int(number): text.rstrip("\n") for number, text in pairs}

    few = shown()
    assert few == {number: lines[number - 1] for number in few}
    page.get_by_role("button", name="More context").click()
    expect(rows).not_to_have_count(len(few))
    assert shown().items() > few.items()
    expect(own.filter(has_text="topic50x17y5")).to_be_in_viewport()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#panel")).to_be_hidden()
    expect(hits(page).first).to_be_focused()


def test_back_and_forward_and_a_bookmark(visit: Visit, served: tuple[Path, dict[str, str]]) -> None:
    page = visit().page
    for name in ("wombat", "dingo"):
        ask(page, name, f"{name}.md")
        page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".row.own").first).to_be_visible()
    kept = page.url
    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    page.go_back()
    expect(page.locator("#box")).to_have_value("wombat")
    expect(page.locator(".hit .file").first).to_have_text("wombat.md")
    page.go_back()
    expect(page.locator("#instead")).to_contain_text("Ask a question")
    page.go_forward()
    expect(page.locator("#box")).to_have_value("wombat")
    expect(page).to_have_title("wombat · beast")

    other = visit(kept.removeprefix(served[1]["open"])).page
    expect(other.locator("#panel-path")).to_contain_text("dingo.md")
    expect(other.locator(".row.own").filter(has_text="dingo")).to_have_count(2)
    expect(other.locator(".hit").first).to_have_attribute("aria-current", "true")


def test_a_bookmarked_passage_that_is_gone_is_told(visit: Visit) -> None:
    one = visit(f"/?open={'0' * 32}")
    one.expected.append("404")
    expect(one.page.locator("#panel-text")).to_contain_text("no longer in the index")
    expect(one.page.locator("#panel-path")).to_have_text("Gone")


# -- keys and copying ------------------------------------------------------------------------------


def test_everything_by_keyboard(visit: Visit) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"]).page
    press = page.keyboard.press
    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    expect(page.locator("#box")).to_be_focused()
    page.keyboard.type("what? wombat")
    expect(page.locator(".hit .file").first).to_have_text("wombat.md")
    press("ArrowDown")
    expect(hits(page).nth(0)).to_be_focused()
    press("j")
    expect(hits(page).nth(1)).to_be_focused()
    press("k")
    press("ArrowUp")
    expect(page.locator("#box")).to_be_focused()
    press("ArrowDown")
    press("s")
    expect(hits(page).first.locator(".scores")).to_be_visible()
    press("c")
    expect(page.locator("#toast")).to_have_text("Passage copied")
    assert "Each wombat sleeps" in page.evaluate("navigator.clipboard.readText()")
    press("p")
    expect(page.locator("#toast")).to_have_text("Path copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith("/wombat.md")
    press("Enter")
    expect(page.locator("#panel-text")).to_be_focused()
    press("j")
    expect(hits(page).nth(1)).to_have_attribute("aria-current", "true")
    press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(hits(page).nth(1)).to_be_focused()
    press("End")
    expect(hits(page).nth(9)).to_be_focused()
    press("/")
    expect(page.locator("#box")).to_be_focused()
    press("Escape")
    expect(page.locator("#box")).to_have_value("")
    expect(hits(page)).to_have_count(0)
    press("Tab")
    press("Control+k")
    expect(page.locator("#box")).to_be_focused()


def test_one_stop_of_the_tab_key_in_the_list(visit: Visit) -> None:
    page = visit("/?q=wombat").page
    expect(hits(page)).to_have_count(10)
    stops = "all => all.filter(one => one.tabIndex === 0).length"
    assert page.locator(".hit").evaluate_all(stops) == 1
    assert page.locator("#hits .hit:not(:first-child) [tabindex='0']").count() == 0
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, input, select, a")]
        .filter((one) => !(one.labels?.length || one.ariaLabel || one.textContent.trim()))
        .map((one) => one.id)""")
    assert unnamed == []


def test_copying_without_permission_falls_back(visit: Visit) -> None:
    page = visit("/?q=wombat", permissions=["clipboard-read"]).page
    refuse = "navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))"
    page.evaluate(f"() => {{ {refuse}; }}")
    expect(hits(page)).to_have_count(10)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    expect(page.locator("#toast")).to_have_text("Passage copied")
    expect(hits(page).first).to_be_focused()
    assert "Each wombat sleeps" in page.evaluate("navigator.clipboard.readText()")


# -- hostile ---------------------------------------------------------------------------------------


def test_hostile_names_and_texts_are_text(visit: Visit) -> None:
    page = visit(
        "/?q=quagga&copies=true&k=20", permissions=["clipboard-read", "clipboard-write"]
    ).page
    expect(hits(page).first).to_be_visible()
    shown = set(names(page))
    assert f"{TAG}.md" in shown
    assert {"left\\u202eexe.md", "ze\\u200bro.md", "two\\nlines.md", "\\x1b[31mred.md"} <= shown
    assert "no\\xfftext.md" in shown
    page.evaluate("document.querySelectorAll('[data-act=more]').forEach((one) => one.click())")
    texts = page.locator(".hit .snippet").all_inner_texts()
    evil = [text for text in texts if "quagga" in text]
    assert len(evil) == len(NAMES)
    for text in evil:
        assert f"{TAG} <script>window.pwned = 2</script> [a](javascript:window.pwned=3)" in text
        assert "&lt;b&gt;" in text
        assert "\\x1b[31mred \\u202eterces" in text
    assert (
        page.locator("#hits img, #hits script, #hits style, #hits [href^=javascript]").count() == 0
    )
    for number in range(len(evil)):
        hits(page).nth(number).locator(".name a").click()
        expect(page.locator(".row.own").first).to_contain_text("quagga")
        assert page.locator("#panel img, #panel script, #panel style").count() == 0
    named = hits(page).filter(has=page.get_by_text("two\\nlines.md")).first
    named.locator("[data-act=path]").click()
    expect(page.locator("#toast")).to_contain_text("written out")
    assert "\n" not in page.evaluate("navigator.clipboard.readText()")
    assert_no_sideways_scroll(page)


def test_hostile_questions_are_text(visit: Visit) -> None:
    page = visit().page
    page.locator("#box").fill(f"{TAG}</script>&q=2&ext=zip#x")
    expect(hits(page).first).to_be_visible()
    page.wait_for_url(re.compile("q="))
    assert asked(page) == {"q": [f"{TAG}</script>&q=2&ext=zip#x"]}


# -- looks -----------------------------------------------------------------------------------------


# Elements that are wider than their place, and texts of which something is cut off at the side.
WIDE = """() => {
  const places = ["html", "body", "#page", "#panel", "#panel-text", "#keys"]
    .map((one) => document.querySelector(one));
  const wide = places.filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    range.selectNodeContents(texts.currentNode);
    const { left, right, width } = range.getBoundingClientRect();
    const beyond = left < -1 || right > innerWidth + 1;
    if (beyond && width && !node.closest(".unseen")) wide.push(node);
  }
  return wide.map((one) => one.id || one.className || one.tagName);
}"""


def assert_no_sideways_scroll(page: Page) -> None:
    assert page.evaluate(WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_scrolls_sideways_on_a_phone(visit: Visit) -> None:
    page = visit(**PHONE).page
    expect(page.locator("#instead h2")).to_be_visible()
    assert_no_sideways_scroll(page)
    page.locator("#box").fill("quagga")
    expect(hits(page).first).to_be_visible()
    page.get_by_role("button", name="Filters").tap()
    expect(page.locator("#ext")).to_be_visible()
    page.locator("#status summary").tap()
    assert_no_sideways_scroll(page)
    page.locator("#status summary").tap()
    hits(page).first.locator(".name a").tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator(".row.own").first).to_be_visible()
    assert page.locator("#page").evaluate("page => page.inert")
    assert_no_sideways_scroll(page)
    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    assert not page.locator("#page").evaluate("page => page.inert")


# Texts whose contrast with what is behind them is below 4.5 (WCAG AA).
FAINT = """() => {
  const numbers = (colour) => {
    const found = colour.match(/[\\d.]+/g).map(Number);
    return colour.startsWith("color(") ? found.map((one, at) => at < 3 ? one * 255 : one) : found;
  };
  const over = ([r, g, b, a = 1], under) =>
    [r, g, b].map((one, at) => one * a + under[at] * (1 - a));
  const behind = (node) => {
    if (!node) return [255, 255, 255];
    const own = numbers(getComputedStyle(node).backgroundColor);
    return own[3] === undefined ? own : over(own, behind(node.parentElement));
  };
  const light = (rgb) => rgb.map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const shown = walker.currentNode.data.trim() && node.checkVisibility({ opacityProperty: true });
    if (!shown || node.closest(".unseen, option, noscript")) continue;
    const paper = behind(node);
    const ink = over(numbers(getComputedStyle(node).color), paper);
    const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    seen += 1;
    if (contrast < 4.5) faint.add(`${node.className || node.tagName} ${contrast.toFixed(2)}`);
  }
  return [seen > 20, ...faint];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(visit: Visit, scheme: str) -> None:
    page = visit("/?q=quagga&ext=md", color_scheme=scheme).page
    expect(hits(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    expect(page.locator(".row.own").first).to_be_visible()
    page.locator("#status summary").click()
    assert page.evaluate(FAINT) == [True]
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(22, 24, 27)") == (scheme == "dark")


# -- access, changes, troubles ---------------------------------------------------------------------


def test_token_is_asked_for_and_kept_for_the_tab(
    visit: Visit, served: tuple[Path, dict[str, str]]
) -> None:
    url = served[1]["token"]
    one = visit("/?q=wombat", url)
    one.expected.append("401")
    page = one.page
    for word, words in ((None, "started with"), ("wrong-wrong-wrong-wrong", "not the right one")):
        if word:
            page.get_by_label("Token").fill(word)
            page.get_by_role("button", name="Go on").click()
        expect(page.locator("#instead")).to_contain_text(words)
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator(".hit .file").first).to_have_text("wombat.md")
    page.reload()
    expect(page.locator(".hit .file").first).to_have_text("wombat.md")
    assert TOKEN not in page.url
    assert page.evaluate("Object.values(localStorage)") == []


def test_token_in_the_address_leaves_it(visit: Visit, served: tuple[Path, dict[str, str]]) -> None:
    page = visit(f"/?q=wombat#token={TOKEN}", served[1]["token"]).page
    expect(page.locator(".hit .file").first).to_have_text("wombat.md")
    assert page.url == f"{served[1]['token']}/?q=wombat"


def test_no_index_changes_and_a_server_that_ends(visit: Visit, tmp_path: Path) -> None:
    settings, folder = settings_of(tmp_path / "own"), tmp_path / "files"
    folder.mkdir()
    with server(settings.home) as url:
        one = visit("/?q=aardvark", url)
        one.expected += ["503", "ERR_CONNECTION_REFUSED"]
        expect(one.page.locator("#instead")).to_contain_text("beast index")
        changes_are_seen_at_the_next_key(one.page, settings, folder)
        for file in folder.iterdir():
            file.unlink()
        index(settings)
        one.page.reload()
        expect(one.page.locator(".note")).to_contain_text("--allow-mass-delete")
    one.page.locator("#box").fill("aardvarks")
    expect(one.page.locator("#instead")).to_contain_text("does not answer")
    with server(settings.home, port=urlsplit(url).port or 0):
        expect(hits(one.page)).to_have_count(2)


def changes_are_seen_at_the_next_key(page: Page, settings: Settings, folder: Path) -> None:
    for name in ("one", "copy"):
        (folder / f"{name}.md").write_text("The aardvark digs.\n")
    add_root(settings, folder)
    index(settings)
    expect(hits(page)).to_have_count(1)  # without a key: the page waits for the first index
    expect(hits(page)).to_contain_text("1 more nearly the same")
    (folder / "two.md").write_text("Another aardvark sleeps all day long.\n")
    index(settings)
    page.keyboard.type(" ")
    expect(hits(page)).to_have_count(2)
    (folder / "two.md").write_text("It woke.\n")
    page.keyboard.type("s")
    expect(page.locator(".hit .stale")).to_have_count(1)


# -- words -----------------------------------------------------------------------------------------


MARKED = [
    ("files deleted", "a file, Deleting; deletes", ["file", "Deleting", "deletes"]),
    ("the process", "The processes of the process", ["processes", "process"]),
    ("the", "The end", ["The"]),
    ("naïve CAFÉ", "naive cafe\u0301s", ["naive", "cafe\u0301s"]),
    ("検索", "全文検索の検索", ["検索", "検索"]),
    ("inde", "indexing of indigo", ["indexing"]),
    ("contract", "contrast", []),
    ("(.*)+[", "(.*)+[", []),
]


def test_words_are_marked_whatever_their_endings(visit: Visit) -> None:
    found = visit().page.evaluate(
        """async (all) => {
          const { matches, wanted } = await import("/static/text.js");
          const marked = ([question, text]) =>
            matches(text, wanted(question)).map(([start, end]) => text.slice(start, end));
          return all.map(marked);
        }""",
        MARKED,
    )
    assert found == [marked for _, _, marked in MARKED]


def test_excerpts_and_names_are_short_and_of_whole_characters(visit: Visit) -> None:
    texts = ["x" * 10_000, "😀" * 5_000, "word \n" * 900, "𝕏 " * 1_900]
    found = visit().page.evaluate(
        """async (texts) => {
          const { excerpt, flowing, nameNodes } = await import("/static/text.js");
          return texts.map((text) => {
            const [start, end] = excerpt(text, [[4001, 4004, "a"]], 300);
            const name = document.createElement("p");
            name.append(...nameNodes(text));
            const same = flowing(text, true).length === text.length;
            return [text.slice(start, end), start <= 4001 && 4004 <= end, same, name.textContent];
          });
        }""",
        texts,
    )
    for piece, is_within, is_same_length, name in found:
        assert 200 < len(piece.encode("utf-16-le")) / 2 < 430  # no half of a pair of surrogates
        assert is_within and is_same_length
        assert len(name.encode()) < 1_500 and "…" in name
