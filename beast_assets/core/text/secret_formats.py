"""Published formats of keys and tokens, as a table that is read into regular expressions.

A line names what it is, then what stands before the anchor (one of several, each of a fixed width,
with no letter or digit in front of it unless it begins with ``*``; a bare ``^`` is nothing), the
anchor (a character that is rare in prose), and what follows it. Columns are two spaces apart.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TABLE = r"""
PEM private key          *----                          -  <pem>
SSH2 private key         *---                           -  \x20BEGIN\x20SSH2\x20ENCRYPTED\x20PRIV
OpenVPN static key       *----                          -  BEGIN\x20OpenVPN\x20Static\x20key\x20V
PuTTY key                PuTTY-User-Key-File            -  [123]:\x20[\w@.-]{4,40}\s{1,4}Encryption:
age secret key           AGE-SECRET-KEY                 -  1[A-Z0-9]{58}
WireGuard key            *PrivateKey\x20 *PrivateKey    =  \s{0,9}<b>{43}=(?!<b>|=)
GitHub token             gh[oprsu]                      _  <w>{36}
GitHub token             github_pat                     _  <w>{22}_<w>{59}
GitLab token             glpat gldt glrt glft glptt     -  <u>{20}
GitLab token             glcbt glimt glsoat glagent     -  <u>{20}
npm token                npm                            _  <w>{36}
PyPI token               pypi                           -  AgE<u>{50}
RubyGems token           rubygems                       _  <h>{48}
Clojars token            CLOJARS                        _  <w>{60}
Docker token             dckr_pat                       _  <u>{27}
AWS access key           ^                              A  (?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?!<w>)
AWS secret access key    *(?i:secret_access)            _  (?i:key)<is>{1}<b>{40}(?!<b>|=)
AWS secret access key    *(?i:aws_secret)               _  (?i:key)<is>{1}<b>{40}(?!<b>|=)
AWS secret access key    *etAccessKey *etAccessKey"     :  \s{0,9}["']?<b>{40}(?!<b>|=)
AWS secret access key    *etAccessKey *etAccessKey\x20  =  \s{0,9}["']?<b>{40}(?!<b>|=)
Azure account key        AccountKey                     =  <b>{86}==
Azure access key         SharedAccessKey                =  <b>{43}=
Azure client secret      [\w~.]{3}[0-9]Q                ~  [\w~.-]{31,34}(?![\w~.-])
Google API key           ^                              A  Iza<u>{35}(?!<u>)
Google client secret     GOCSPX                         -  <u>{28}
DigitalOcean token       do[opr]_v1                     _  <h>{64}
Cloudflare origin key    v1\.0                          -  <h>{24}-<h>{146}
Vault token              hvs hvb hvr                    .  <u>{90}
Terraform Cloud token    *\.atlasv1                     .  <u>{60}
Doppler token            dp\.pt dp\.st dp\.ct           .  <w>{43}
Pulumi token             pul                            -  <h>{40}
Supabase token           sbp                            _  <h>{40}
PlanetScale token        pscale_pw pscale_tkn           _  [\w.=-]{32}
Grafana token            glsa                           _  <w>{32}_<w>{8}
New Relic key            NRAK                           -  [A-Z0-9]{27}
Postman key              PMAK                           -  <h>{24}-<h>{34}
Stripe live key          [sr]k_live                     _  <w>{16}
Square token             sq0csp                         -  <u>{43}
Shopify token            shpat shpca shppa shpss        _  [A-Fa-f0-9]{32}
Slack token              xox[abceoprs]                  -  (?:[0-9]{1,14}-){1,4}[A-Za-z0-9-]{10}
Slack token              xapp                           -  [0-9]-[A-Z0-9]{5,20}-[0-9]{5,20}-<w>{20}
Slack webhook            hooks\.slack                   .  com/services/T<w>{8,12}/B<w>{8,12}/<w>+
Discord webhook          discord discordapp             .  com/api/webhooks/[0-9]{17,20}/<u>{60}
Telegram bot token       *[0-9]{8}                       :  AA<u>{33}(?!<u>)
SendGrid key             SG                             .  <u>{22}\.<u>{43}
Brevo key                xkeysib                        -  <h>{64}-<w>{16}
Mailchimp key            <h>{32}                        -  us[0-9]{1,2}(?!<w>)
Linear key               lin_api                        _  <w>{40}
Notion token             ntn                            _  [0-9]{11}<w>{35}
Figma token              figd                           _  <u>{40}
Atlassian token          ^                              A  TATT3[\w=-]{60}
1Password token          ops                            _  eyJ<b>{250}
OpenAI key               sk                             -  <w>{48}(?!<w>)
OpenAI key               sk-proj sk-None sk-admin       -  <u>{40}
OpenAI key               sk-svcacct                     -  <u>{40}
Anthropic key            sk-ant                         -  [a-z]{3,6}[0-9]{2}-<u>{40}
OpenRouter key           sk-or-v1                       -  <h>{64}
Hugging Face token       hf                             _  <w>{34}(?!<u>)
Groq key                 gsk                            _  <w>{52}
Replicate token          r8                             _  <w>{37}
Perplexity key           pplx                           -  <w>{48}
xAI key                  xai                            -  <w>{80}
JSON web token           *<u>{9}                        .  eyJ<u>{8,}+\.<u>{20}
"""

# A first look at what stands around an anchor, for there are many underscores in a program. It has
# to let through all that the formats of this anchor match.
_GUARDS = {
    "-": r"(?!--)(?=[A-Za-z0-9][\w-]{9}| ?BEGIN |us[0-9]|[123]: |(?<=\w-)<u>{20})",
    "_": r"(?=<w>{16}|(?i:key)|(?<=(?:at|gd|pw|kn)_)[\w.=-]{27})",
    ".": r"(?=<u>{20}|eyJ|com/)",
    "=": r"(?<=(?:Key|ey )=)",
    ":": r"(?:(?=AA)|(?<=ssKey:)|(?<=ssKey\":))",
    "A": r"(?=KIA|SIA|BIA|CCA|Iza|TATT)",
    "~": r"(?<=[0-9]Q~)",
}
# A key may stand in a program or in JSON: line ends as escapes, quotes, comment signs between.
_FILLER = r"(?:\\[nrt]|[\s\"'`+,>#*|\\])*+"
_HEADERS = rf"(?:{_FILLER}[A-Z][A-Za-z-]{{2,30}}: [^\n\\]{{0,200}}){{0,4}}"
_SHORT = {
    "<pem>": rf"BEGIN (?:[A-Z0-9]+ ){{0,3}}PRIVATE KEY(?: BLOCK)?-----{_HEADERS}{_FILLER}<b>{{16}}",
    "<is>{1}": r"[\"']?\s{0,9}(?:=>|:=|=|:)\s{0,9}[\"']?",
    "<w>": "[A-Za-z0-9]",
    "<b>": "[A-Za-z0-9+/]",
    "<u>": "[A-Za-z0-9_-]",
    "<h>": "[a-f0-9]",
}


class Search(NamedTuple):
    """The formats that share an anchor.

    Attributes:
        expression: begins with the anchor, so that it jumps from one to the next.
        rules: what its groups stand for, the first one first.
    """

    expression: re.Pattern[str]
    rules: tuple[str, ...]


def searches() -> Iterator[Search]:
    """One expression for each anchor."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in _TABLE.strip().splitlines()]
    for anchor, guard in _GUARDS.items():
        mark = re.escape(anchor)
        chosen = [
            (rule, f"({_behind(before, mark)}{after})")
            for rule, before, at, after in rows
            if at == anchor
        ]
        choice = "|".join(expression for _, expression in chosen)
        expression = re.compile(_long(f"{mark}{guard}(?:{choice})"))
        yield Search(expression, tuple(rule for rule, _ in chosen))


def _behind(before: str, mark: str) -> str:
    """What looks back over an anchor."""
    found = []
    for each in before.split(" "):
        text = "" if each == "^" else each.removeprefix("*")
        edge = "" if each.startswith("*") else f"(?<!<w>{text}{mark})"
        found.append(f"(?<={text}{mark}){edge}")
    return f"(?:{'|'.join(found)})"


def _long(expression: str) -> str:
    for short, long in _SHORT.items():
        expression = expression.replace(short, long)
    return expression
