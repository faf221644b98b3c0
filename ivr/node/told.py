"""How a call stands, as a platform is told it: what to do now, and everything it may want to say or show."""

from __future__ import annotations

from config.models import SitePlan
from config.node import Node
from ivr.desk.planned import menu_in
from ivr.desk.telling import Telling
from ivr.flow.greeting import voice
from ivr.node.answers import DECISION, Answer
from ivr.node.words import text_of
from ivr.scene import Scene
from router.callbacks import callback_id_of
from router.domain.judging import Announcement
from router.routing import language_of
from router.site import Site
from router.store.rows import CallView


def standing(site: Site, node: Node, view: CallView) -> Answer:
    """What to do with the call now."""
    row, telling = view.row, Telling(view, site.plan, view.expected or 1)
    base = {
        **DECISION,
        "call_id": row.call_id,
        "display": site.plan.voice.caller_id or str(row.meta.get("to") or ""),
        "language": language_of(row.meta, site.plan),
    }
    if row.letter in "obc":
        return base | {
            "action": "agent",
            "target": str(view.card.get("endpoint") or ""),
            "agent_id": row.agent_id or "",
            "agent_name": str(view.card.get("name") or ""),
            "offer_id": row.offer_id or "",
            "text": _connecting(telling),
        }
    if row.letter == "e":
        return base | _over(telling)
    told = site.estimates.told(view, site.now_ms())
    queue = _queue(view)
    waiting = {
        "action": "queue",
        "queue": queue,
        "target": node.queues.get(queue, node.default),
        "position": str(telling.position or ""),
        "again_seconds": str(node.again // 1_000),
    }
    if row.letter != "q":
        return base | waiting | _wait(told) | {"text": text_of(telling.tick(told))}
    question = telling.question(told)
    options = [f"{key}={option}" for key, option in zip("123", question.options, strict=False) if option]
    asking = {"action": "ask", "text": text_of(question), "options": " ".join(options)}
    return base | waiting | _wait(told) | asking


def menu_of(plan: SitePlan, call_id: str, called: str, again: bool) -> Answer:
    """The plan's menu; `again`: what was pressed is none of it."""
    language = language_of({"to": called}, plan)
    options = menu_in(language, plan)
    return {
        "action": "ask",
        "text": text_of(Scene("menu", call_id, 0, language, fallback=plan.language, menu=options, again=again)),
        "options": " ".join(f"{one.key}={one.language or one.topic}" for one in options),
        "valid": "0",
        "language": language,
    }


def _over(telling: Telling) -> Answer:
    """A call that is over: with a callback, a way out, or for good."""
    row, scene = telling.row, telling.exit()
    if row.outcome == "callback":
        return {"action": "callback", "text": text_of(scene), "callback_id": callback_id_of(row.call_id)}
    if row.outcome not in ("rejected", "overflowed_out"):
        return {"action": "ended", "text": text_of(telling.scene("goodbye")) if row.outcome == "answered" else ""}
    options = f"{scene.callback_key}=callback" if scene.callback_key else ""
    action = "number" if scene.number else "message"
    return {"action": action, "target": scene.number, "text": text_of(scene), "options": options}


def _connecting(telling: Telling) -> str:
    """Who will take care of the caller."""
    scene = telling.scene("hold")
    speak = voice(scene)
    named = bool(scene.agent)
    return speak.say("greeting.connecting_agent", agent=scene.agent) if named else speak.say("greeting.connecting_any")


def _queue(view: CallView) -> str:
    """The group whose line the call stands in, the one entered last; empty in an agent's own line alone."""
    groups = [lane.partition("+")[0] for lane in view.row.lanes if not lane.startswith("@")]
    return groups[-1] if groups else ""


def _wait(told: Announcement | None) -> Answer:
    if told is None:
        return {}
    return {"wait_minutes": str(told.about_min), "wait_at_most_minutes": str(told.at_most_min)}
