"""What a person who starts the service sees: where it is, and three lines that route a VIP's call."""

from __future__ import annotations

from config.settings import Settings
from router.admin_token import AdminToken

SAMPLE_TITLE = "Sample site"


def banner(settings: Settings, token: AdminToken, port: int, *, sample: bool, terminal: bool) -> str:
    """`sample`: the sample site is served, whose people the three lines name.

    `terminal`: a person reads it. Elsewhere it is kept, as a container's log is, and must hold no secret.
    """
    base = settings.public_url or f"http://{_reachable(settings.host)}:{port}"
    bearer = "$VIPLINE_ADMIN_TOKEN" if token.path is None else f"$(cat {token.path})"
    # Behind `#`, which browsers do not send: no proxy's log holds it.
    login = f"#token={token.secret}" if terminal and token.path is not None else ""
    lines = [
        f"vipline is serving at {base}",
        f"  open     {base}/live{login}",
        *([] if login else [f"  token    {'VIPLINE_ADMIN_TOKEN' if token.path is None else f'in {token.path}'}"]),
        f"  ready?   {base}/readyz",
        f"  API      {base}/openapi.json",
    ]
    if sample:
        curl = f'curl -s -H "Authorization: Bearer {bearer}" -H "Content-Type: application/json"'
        lines += [
            "",
            "Route a VIP's call: her own agent becomes ready, she calls, and the call says where it went and why.",
            f"""  {curl} -X PUT {base}/v1/agents/agent-7/state -d '{{"state": "ready"}}'""",
            f"""  {curl} {base}/v1/calls -d '{{"call_id": "demo-1", "from": "+12025550110", "to": "+12025550199"}}'""",
            f"  {curl} {base}/v1/calls/demo-1",
        ]
    return "\n".join(lines)


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what was asked for, told as an address one can open
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
