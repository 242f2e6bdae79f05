"""The page that lists the API: plain HTML with one style sheet of its own, and nothing from elsewhere.

The form. Keep out: what is listed, which is the OpenAPI document.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import TYPE_CHECKING, Any

from orchestration.api.problems import code_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --paper: #fff; --tint: #f5f7f9;
  --get: #1d6fb8; --post: #2b7a3d; --delete: #b3392f; --patch: #8a5a00; --put: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #2c3542; --paper: #12171e;
  --tint: #1a212b; --get: #6db3ec; --post: #77c78b; --delete: #ee8b82; --patch: #d9ad55; --put: #d9ad55; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .6rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1rem; margin: 1.25rem 0 0; }
a { color: var(--get); text-underline-offset: .15em; }
code, pre, .path { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace;
  font-size: .875rem; }
.access { background: var(--tint); border-left: 3px solid var(--get); padding: .7rem 1rem; margin: 1.25rem 0; }
.list { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
details + details { border-top: 1px solid var(--line); }
summary { display: grid; grid-template-columns: 4.5rem minmax(0, 1fr) 5.5rem; gap: .25rem .75rem; cursor: pointer;
  padding: .6rem 1rem; align-items: baseline; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover, details[open] > summary { background: var(--tint); }
summary:focus-visible { outline: 2px solid var(--get); outline-offset: -2px; }
.verb { font-weight: 650; font-size: .8rem; letter-spacing: .03em; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
.put { color: var(--put); } .patch { color: var(--patch); }
.path { overflow-wrap: anywhere; }
.what { grid-column: 2; color: var(--soft); font-size: .92rem; }
.role { color: var(--soft); font-size: .85rem; text-align: right; }
.more { padding: .25rem 1rem 1.1rem 1rem; border-top: 1px solid var(--line); }
.more h3 { font-size: .85rem; margin: 1rem 0 .3rem; color: var(--soft); font-weight: 600; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; margin: 0;
  overflow-x: auto; line-height: 1.45; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
td, th { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
:target { background: var(--tint); }
@media (max-width: 40rem) { summary { grid-template-columns: 4rem minmax(0, 1fr); } .role { display: none; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
}
"""The page may use its own style sheet, and nothing else."""


def render_page(openapi: Mapping[str, Any], *, access: str) -> str:
    """The page of an OpenAPI document; `access` says who may call."""
    groups = _groups(openapi)
    info = openapi["info"]
    nav = " ".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in groups)
    parts = [
        f'<h2 id="{escape(tag)}">{escape(tag)}</h2><div class="list">{"".join(ops)}</div>'
        for tag, ops in groups.items()
    ]
    intro = "".join(f"<p>{_text(part)}</p>" for part in info["description"].strip().split("\n\n"))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>orchestration API</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><main><h1>orchestration API</h1>{intro}<p class="access">{_text(access)}</p>'
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. Health: <a href="/healthz">/healthz</a>.</p>'
        f'<nav>{nav} <a href="#problems">problems</a></nav>{"".join(parts)}{_problems()}</main></body></html>'
    )


def _groups(openapi: Mapping[str, Any]) -> dict[str, list[str]]:
    """The operations by tag, rendered."""
    groups: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for verb, operation in operations.items():
            for tag in operation["tags"]:
                groups.setdefault(tag, []).append(_operation(path, verb, operation))
    return groups


def _operation(path: str, verb: str, operation: Mapping[str, Any]) -> str:
    roles = [role for scheme in operation.get("security", ()) for roles in scheme.values() for role in roles]
    what = operation.get("description", operation["summary"])
    return (
        f'<details><summary><span class="verb {verb}">{verb.upper()}</span><span class="path">{escape(path)}</span>'
        f'<span class="role">{escape(roles[0] if roles else "public")}</span>'
        f'<span class="what">{_text(what)}</span></summary>'
        f'<div class="more">{"".join(_details(operation))}</div></details>'
    )


def _details(operation: Mapping[str, Any]) -> Iterator[str]:
    """Parameters, and the examples of the body and of the answers."""
    parameters = operation.get("parameters", ())
    if parameters:
        rows = "".join(
            f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
            f"<td>{_text(one.get('description', ''))}</td></tr>"
            for one in parameters
        )
        yield f"<h3>Parameters</h3><table>{rows}</table>"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body, {escape(media)}</h3><pre>{_shown(content)}</pre>"
    refusals = []
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            if status.startswith("2"):
                yield f"<h3>{status}, {escape(media)}</h3><pre>{_shown(content)}</pre>"
        if not status.startswith("2"):
            refusals.append(status)
    yield f"<h3>Other answers</h3><p>{', '.join(sorted(refusals))}</p>"


def _shown(content: Mapping[str, Any]) -> str:
    """The example of a body."""
    named = next(iter(content.get("examples", {}).values()), {})
    example = content.get("example", named.get("value"))
    if example is None:
        return "bytes"
    return escape(example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False))


def _problems() -> str:
    rows = "".join(
        f'<tr id="problem-{code}"><td><code>{code}</code></td><td>{status}</td><td>{_text(meaning)}</td></tr>'
        for code, status, meaning in code_words()
    )
    head = "<tr><th>code</th><th>status</th><th>meaning</th></tr>"
    return f'<h2 id="problems">problems</h2><table>{head}{rows}</table>'


def _text(text: str) -> str:
    """A sentence of a docstring as HTML: what stands in backquotes is code."""
    pieces = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))
