"""Secrets, by name and by content: not read, not stored, not found."""

import random
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lancedb
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from beast_assets.core.ignore import Rules, root_rules
from beast_assets.core.ledger import Ledger
from beast_assets.core.report import Report
from beast_assets.core.scan import scan_root
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.text.secrets import secret_in
from beast_assets_tests.homes import add_root, index, paths

# --- by name ------------------------------------------------------------------------------------

NAMES = """
.env .env.local .env.production .env.example .envrc .env_prod prod.env .git server.pem Server.PEM
tls.key putty.ppk AuthKey_X1.p8 key.pk8 a.p12 a.pfx a.pkcs12 a.jks a.jceks a.bks debug.keystore
my.agekey login.keychain login.keychain-db default.keyring kdewallet.kwl id_rsa id_rsa_old
id_ed25519 id_ecdsa id_dsa ssh_host_rsa_key secring.gpg known_hosts authorized_keys a.kdbx a.kdb
a.psafe3 a.1pux a.1pif bitwarden_export_20250101.json bitwarden_encrypted_export_1.json
lastpass_export.csv passwords.csv .authinfo .google_authenticator .netrc _netrc .git-credentials
.htpasswd .htdigest .smbcredentials wpa_supplicant.conf home.nmconnection client.ovpn wg0.conf
chap-secrets .Xauthority .erlang.cookie .msmtprc sitemanager.xml .boto .s3cfg .databrickscfg
credentials credentials.json application_default_credentials.json credentials.db access_tokens.db
accessKeys.csv alice_accessKeys.csv rootkey.csv service-account.json serviceAccountKey.json
client_secret_123.apps.googleusercontent.com.json rclone.conf .dockercfg kubeconfig
prod.kubeconfig k3s.yaml terraform.tfstate terraform.tfstate.backup prod.tfvars
prod.auto.tfvars.json .terraformrc credentials.tfrc.json .vault-token .vault_pass vault_pass.txt
.npmrc .pypirc credentials.toml auth.json settings-security.xml .sentryclirc .pgpass pgpass.conf
.my.cnf .mylogin.cnf wp-config.php .bash_history .zsh_history .python_history .psql_history
.mysql_history .node_repl_history fish_history .lesshst .histfile Cookies cookies.txt
cookies.sqlite cookies.sqlite-wal logins.json key4.db places.sqlite signons.sqlite
formhistory.sqlite wallet.dat secrets.json secrets.yaml secrets.yml secrets.toml secret.yaml
.secrets
"""
LISTED = [
    *NAMES.split(),
    "Login Data",
    "Login Data For Account",
    "Web Data",
    "Chrome Passwords.csv",
]

PLACES = """
.aws/config .azure/accessTokens.json .oci/config .kube/config .ssh/config .gnupg/pubring.kbx
.docker/config.json .config/gcloud/x.db .config/gh/hosts.yml .config/glab-cli/config.yml
.config/hub .config/rclone/x .config/op/config .config/doctl/config.yaml .config/sops/age/keys.txt
.config/containers/auth.json .config/google-chrome/Default/History .config/google-chrome-beta/x
.config/chromium/Default/x .config/BraveSoftware/x .mozilla/firefox/x/prefs.js
.thunderbird/x/prefs.js .password-store/bank.gpg .m2/settings.xml .gradle/gradle.properties
.cargo/credentials.toml .cargo/credentials .gem/credentials .local/share/keyrings/login.keyring
Library/Keychains/x etc/wireguard/home.conf etc/shadow etc/NetworkManager/system-connections/wifi
huggingface/token .pulumi/credentials.json .cloudflared/x.json .fly/config.yml .vnc/passwd
.dbt/profiles.yml
"""

# What a person may well want to find, and only looks like a secret.
NEAR_MISSES = """
environment.md env environment.env.md keys.md keys.py id_rsa.pub host.key.md secret-garden.md
secrets.md passwords.md password-policy.md credentials.md credentials/readme.md cookies.md
cookies/recipe.md history.md chat_history/notes.md my.env/notes.md service-accounts.md auth.py
auth.json.md docker/config.json gh/readme.md config/settings.xml terraform.tf main.tf variables.tf
npmrc.md kubernetes.yaml login.md login-data.md web-data.md places.md wallet.md bitwarden.md
vault.md token.md hosts.yml gcloud.md wireguard/setup.md etc/notes.md huggingface/tokenizer.json
git.md known-hosts.md keyring.md firefox/release.md chromium/build.md age/readme.md shadow/etc.md
"""


def verdict(path: str) -> str | None:
    """The rule that keeps a path out."""
    *folders, name = path.encode().split(b"/")
    rules: Rules = root_rules(b"!*")
    for folder in folders:
        if rule := rules.excludes(folder, True):
            return rule
        rules = rules.child(folder, b"!*")
    return rules.excludes(name, False)


@pytest.mark.parametrize("path", [*LISTED, *PLACES.split()])
def test_never_read_at_any_depth(path: str) -> None:
    for place in (path, f"home/alice/{path}"):
        assert (verdict(place) or "").endswith(" (never read)"), place


@pytest.mark.parametrize("path", NEAR_MISSES.split())
def test_stays_in(path: str) -> None:
    assert verdict(path) is None
    assert verdict(f"sub/{path}") is None


def test_rules_cost_a_scan_nothing() -> None:
    rules = root_rules()
    for folder in (b"docs", b"src", b"google", b"library"):
        rules = rules.child(folder)
        assert not rules.may_exclude(b"document.md/main.rs/pem/keys.txt/environment/History")
    gate = rules._level.gate
    assert gate.other is None


# --- by content ---------------------------------------------------------------------------------

_LETTERS = string.ascii_letters + string.digits


def word(size: int, characters: str = _LETTERS, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(characters, k=size))


HEX, URL64, UPPER = "0123456789abcdef", _LETTERS + "-_", string.ascii_uppercase + "234567"
BODY = "\n".join(word(64, _LETTERS + "+/", seed) for seed in range(6))


def pem(kind: str, body: str = BODY) -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


_WEB = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJ" + word(30)
TOKENS: dict[str, list[str]] = {
    "PEM private key": [
        pem("PRIVATE KEY"),
        pem("RSA PRIVATE KEY"),
        pem("OPENSSH PRIVATE KEY"),
        pem("ENCRYPTED PRIVATE KEY"),
        pem("EC PRIVATE KEY").replace("\n", "\\n"),
        pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0AF\n\n" + BODY),
        pem("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\n\n" + BODY),
        '"-----BEGIN PRIVATE KEY-----\\n"\n    "' + word(64) + '\\n"',
    ],
    "SSH2 private key": ["---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n" + BODY],
    "OpenVPN static key": ["-----BEGIN OpenVPN Static key V1-----\n" + word(32, HEX)],
    "PuTTY key": ["PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\n" + BODY],
    "Google service account key": ['{"type": "service_account", "k": "' + pem("PRIVATE KEY")],
    "age secret key": ["AGE-SECRET-KEY-1" + word(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")],
    "WireGuard key": [f"PrivateKey = {word(43)}=", f"PrivateKey={word(43)}="],
    "GitHub token": [*(f"gh{c}_{word(36)}" for c in "pousr"), f"github_pat_{word(22)}_{word(59)}"],
    "GitLab token": [f"glpat-{word(20, URL64)}", f"glrt-{word(20)}", f"gldt-{word(20)}"],
    "npm token": [f"npm_{word(36)}"],
    "PyPI token": [f"pypi-AgEIcHlwaS5vcmc{word(120, URL64)}"],
    "RubyGems token": [f"rubygems_{word(48, HEX)}"],
    "Clojars token": [f"CLOJARS_{word(60)}"],
    "Docker token": [f"dckr_pat_{word(27, URL64)}"],
    "AWS access key": [f"AKIA{word(16, UPPER)}", f"key=ASIA{word(16, UPPER)}"],
    "AWS secret access key": [
        f"aws_secret_access_key = {word(40)}",
        f'export AWS_SECRET_ACCESS_KEY="{word(40)}"',
        f"AWS_SECRET_KEY: {word(40)}",
        f'"SecretAccessKey": "{word(40)}"',
        f"secretAccessKey: '{word(40)}'",
        f"SecretAccessKey={word(40)}",
    ],
    "Azure account key": [f"AccountName=a;AccountKey={word(86)}==;EndpointSuffix=x"],
    "Azure access key": [f"SharedAccessKeyName=Root;SharedAccessKey={word(43)}="],
    "Azure client secret": [f"abC8Q~{word(34)}"],
    "Google API key": [f"AIza{word(35, URL64)}"],
    "Google client secret": [f"GOCSPX-{word(28, URL64)}"],
    "DigitalOcean token": [f"dop_v1_{word(64, HEX)}"],
    "Cloudflare origin key": [f"v1.0-{word(24, HEX)}-{word(146, HEX)}"],
    "Vault token": [f"hvs.{word(95, URL64)}"],
    "Terraform Cloud token": [f"{word(14)}.atlasv1.{word(67)}"],
    "Doppler token": [f"dp.pt.{word(43)}"],
    "Pulumi token": [f"pul-{word(40, HEX)}"],
    "Supabase token": [f"sbp_{word(40, HEX)}"],
    "PlanetScale token": [f"pscale_pw_{word(43, URL64)}", f"pscale_tkn_{word(43)}"],
    "Grafana token": [f"glsa_{word(32)}_{word(8, HEX)}"],
    "New Relic key": [f"NRAK-{word(27, UPPER)}"],
    "Postman key": [f"PMAK-{word(24, HEX)}-{word(34, HEX)}"],
    "Stripe live key": [f"sk_live_{word(24)}", f"rk_live_{word(99)}"],
    "Square token": [f"sq0csp-{word(43, URL64)}"],
    "Shopify token": [f"shpat_{word(32, HEX)}", f"shpss_{word(32, HEX)}"],
    "Slack token": [
        f"xoxb-123456789012-1234567890123-{word(24)}",
        f"xoxp-123456789012-123456789012-123456789012-{word(32, HEX)}",
        f"xapp-1-A0123456789-1234567890123-{word(64, HEX)}",
    ],
    "Slack webhook": [f"https://hooks.slack.com/services/T01234567/B01234567/{word(24)}"],
    "Discord webhook": [f"https://discord.com/api/webhooks/123456789012345678/{word(68, URL64)}"],
    "Telegram bot token": [f"123456789:AA{word(33, URL64)}", f"bot1234567890:AA{word(33)}"],
    "SendGrid key": [f"SG.{word(22, URL64)}.{word(43, URL64)}"],
    "Brevo key": [f"xkeysib-{word(64, HEX)}-{word(16)}"],
    "Mailchimp key": [f"{word(32, HEX)}-us12"],
    "Linear key": [f"lin_api_{word(40)}"],
    "Notion token": [f"ntn_12345678901{word(35)}"],
    "Figma token": [f"figd_{word(40, URL64)}"],
    "Atlassian token": [f"ATATT3{word(186, URL64)}"],
    "1Password token": [f"ops_eyJ{word(260)}"],
    "OpenAI key": [f"sk-{word(48)}", f"sk-proj-{word(74, URL64)}T3BlbkFJ{word(74, URL64)}"],
    "Anthropic key": [f"sk-ant-api03-{word(93, URL64)}AA"],
    "OpenRouter key": [f"sk-or-v1-{word(64, HEX)}"],
    "Hugging Face token": [f"hf_{word(34)}"],
    "Groq key": [f"gsk_{word(52)}"],
    "Replicate token": [f"r8_{word(37)}"],
    "Perplexity key": [f"pplx-{word(48)}"],
    "xAI key": [f"xai-{word(80)}"],
    "JSON web token": [f"{_WEB}.{word(43, URL64)}"],
}
CASES = [(rule, token) for rule, tokens in TOKENS.items() for token in tokens]

AROUND: list[Callable[[str], str]] = [
    lambda token: token,
    lambda token: f"Dear all, use {token}, please.\n",
    lambda token: f"TOKEN='{token}'\n",
    lambda token: f"ünï ☃ “{token}”\n",
]


@pytest.mark.parametrize(("rule", "token"), CASES)
def test_is_told_by_its_name(rule: str, token: str) -> None:
    for around in AROUND:
        assert secret_in(around(token)) == rule
    assert secret_in("prose " * 20_000 + token) == rule


@pytest.mark.parametrize(("rule", "token"), CASES)
def test_its_beginning_is_none(rule: str, token: str) -> None:
    assert secret_in(token[:19] + " …") is None


PLAIN = [
    "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_" + "x" * 36,
    "xoxb-XXXXXXXXXXXX-XXXXXXXXXXXXX-" + "X" * 24,
    "sk-" + "x" * 48,
    "DefaultEndpointsProtocol=http;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2U"
    "VErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0"
    "IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    return read(text)',
    "-----BEGIN CERTIFICATE-----\n" + BODY,
    "-----BEGIN PUBLIC KEY-----\n" + BODY,
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + word(43),
    "sha256:" + word(64, HEX),
    "commit " + word(40, HEX),
    f"PublicKey = {word(43)}=",
    "task-" + "a" * 60,
    "a_very_long_identifier_with_many_words_that_is_no_token_at_all",
    "https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
    "pk_live_" + word(24),
    "MY_AWS_SECRET_ACCESS_KEY = os.environ['AWS_SECRET_ACCESS_KEY']",
    "=" * 200 + "-" * 200 + "_" * 200,
]


@pytest.mark.parametrize("text", PLAIN)
def test_is_no_secret(text: str) -> None:
    assert secret_in(text) is None


def test_a_public_example_does_not_hide_a_key_behind_it() -> None:
    assert secret_in(f"not AKIAIOSFODNN7EXAMPLE but AKIA{word(16, UPPER)}") == "AWS access key"


@examples(max_examples=200, deadline=None, database=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(CASES), st.text(" \n,;"))
def test_whatever_stands_before_and_behind(noise: str, case: tuple[str, str], edge: str) -> None:
    assert secret_in(f"{noise} {edge}{case[1]} {edge}{noise}") is not None


@pytest.mark.parametrize("bait", ["-", "_", "a_", "eyJ", ".eyJa", "-----BEGIN PRIVATE KEY-----\n"])
def test_no_text_takes_long(bait: str) -> None:
    import time

    text = bait * (1_000_000 // len(bait))
    began = time.process_time()
    secret_in(text)
    assert time.process_time() - began < 5


def test_prose_passes_quickly(peps: Path) -> None:
    for path in sorted(peps.rglob("*.rst"))[:100]:
        assert secret_in(path.read_text()) is None, path


# --- end to end ---------------------------------------------------------------------------------


def planted(folder: Path) -> dict[str, bytes]:
    """Fifty files and more with a secret in each: its words and its bytes, by path."""
    found = {}
    for number, name in enumerate([*LISTED[:-4:4], *PLACES.split()[::2]]):
        found[name] = f"zyxnamed{number} {word(24, seed=1000 + number)}"
    for number, (_, token) in enumerate(CASES):
        tail = word(12, string.ascii_lowercase, seed=2000 + number)
        found[f"notes/plain-{number}.md"] = f"zyxheld{number} {token} {tail}"
    for name, text in found.items():
        place = folder / name
        if place.is_dir() or place.parent.is_file():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"Meeting notes.\n\n{text}\n")
    return {name: text.encode() for name, text in found.items()}


def needles(text: bytes) -> list[bytes]:
    """What of a planted text must be nowhere: its words, its token, and that in pieces."""
    words = [part for part in text.split() if len(part) >= 8]
    return [*words, *(part[:16] for part in words if len(part) > 40)]


def everything(settings: Settings) -> bytes:
    """All bytes of a home, and what LanceDB has compressed in any version, in the clear."""
    found = [path.read_bytes() for path in settings.home.rglob("*") if path.is_file()]
    database = lancedb.connect(settings.index_uri)
    for name in database.list_tables().tables:
        table = database.open_table(name)
        for version in table.list_versions():
            table.checkout(version["version"])
            for row in table.to_arrow().drop_columns("vector").to_pylist():
                found += [str(value).encode() for value in row.values()]
    return b"\0".join(found)


@pytest.mark.parametrize("way", ["library", "command"])
def test_no_byte_of_a_secret_is_in_the_home(
    settings: Settings, docs: Path, way: str, beast: Callable[..., object]
) -> None:
    secrets = planted(docs)
    assert len(secrets) >= 100
    if way == "library":
        add_root(settings, docs)
        index(settings)
    else:
        beast("index", docs)
    home = everything(settings)
    assert b"topic17x2y5" in home, "what is indexed would be found this way"
    for name, text in secrets.items():
        for needle in needles(text):
            assert needle not in home, (name, needle)
    searcher = Searcher(settings)
    for name, text in secrets.items():
        for hit in searcher.search(text.decode().split()[0], 5):
            assert Path(hit.path).name.startswith("note-"), name
    assert paths(settings) == {bytes(p.relative_to(docs)) for p in docs.rglob("note-*.md")}


def test_its_row_says_what_it_is_and_no_more(settings: Settings, docs: Path) -> None:
    planted(docs)
    add_root(settings, docs)
    report = index(settings)
    rows = {row.path: row for row in Ledger.open(settings.ledger_url).files()}
    held = [rows[b"notes/plain-%d.md" % number] for number in range(len(CASES))]
    assert [(row.status, row.reason) for row in held] == [
        ("quarantined", f"secret: {rule}") for rule, _ in CASES
    ]
    assert report.totals["quarantined"] == len(CASES)
    assert not [path for path in rows if path.split(b"/")[0] in (b".aws", b".env", b".ssh")]


def test_a_secret_that_is_written_into_a_file_takes_it_out(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    path = docs / "note-00.md"
    before = path.read_text()
    path.write_text(f"{before}\nghp_{word(36)}\n")
    index(settings)
    assert b"note-00.md" not in paths(settings)
    assert word(36).encode() not in everything(settings)
    path.write_text(before)
    index(settings)
    assert b"note-00.md" in paths(settings)


def test_switching_the_scan_reads_every_text_again(settings: Settings, docs: Path) -> None:
    (docs / "token.md").write_text(f"zyxwitch npm_{word(36)}\n")
    add_root(settings, docs)
    index(settings)
    assert b"token.md" not in paths(settings)
    off = replace(settings, secret_scan=False)
    assert index(off).work.embedded == 1
    assert b"token.md" in paths(settings)
    assert index(off).work == Report().work
    index(settings)
    assert b"token.md" not in paths(settings)


def test_what_is_never_read_is_not_opened(docs: Path) -> None:
    (docs / ".env").mkdir()
    (docs / ".ssh").mkdir(mode=0o000)
    try:
        assert not [entry for entry in scan_root(bytes(docs)) if entry.problem]
    finally:
        (docs / ".ssh").chmod(0o700)
