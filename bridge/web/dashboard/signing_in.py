"""Signing in with an API key, signing out, and choosing between light and dark."""

from __future__ import annotations

from starlette.responses import Response

from bridge.errors import AuthenticationError
from bridge.web.auth import KeyRing
from bridge.web.dashboard.guard import Ask
from bridge.web.dashboard.pages import THEME, THEMES, local_path, redirect
from bridge.web.dashboard.session import COOKIE

_A_YEAR = 31_536_000


async def ask_to_sign_in(ask: Ask) -> Response:
    """The form that asks for a key."""
    back = local_path(ask.request.query_params.get("back", ""))
    return ask.go_to(back) if ask.seen.visitor.admitted else ask.page("sign-in", back=back, wrong=False)


class SignIn:
    """Takes the form.

    :param keys: those that may sign in.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def __call__(self, ask: Ask) -> Response:
        """Begin a session; a key that is not known is answered ever later."""
        back = local_path(ask.form.text("back"))
        if not self._keys:
            return ask.go_to(back)
        try:
            key = self._keys.find(ask.form.text("api_key").encode())
        except AuthenticationError:
            await ask.desk.sign_ins.failed(ask.request.client.host if ask.request.client else "")
            return ask.page("sign-in", 401, back=back, wrong=True)
        response = redirect(ask.request, back)
        ask.desk.sessions.set_cookie(response, ask.desk.sessions.new(key))
        return response


async def sign_out(ask: Ask) -> Response:
    """End the session, for this browser and for whoever copied its cookie."""
    await ask.desk.sessions.end(ask.seen.visitor)
    response = ask.go_to("")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


async def choose_theme(ask: Ask) -> Response:
    """Remember light or dark; anything else forgets it, and the system's own wish counts again."""
    response = ask.go_to(local_path(ask.form.text("back")))
    chosen = ask.form.text("theme")
    if chosen in THEMES:
        response.set_cookie(THEME, chosen, max_age=_A_YEAR, path="/", httponly=True, samesite="lax")
    else:
        response.delete_cookie(THEME, path="/", httponly=True, samesite="lax")
    return response
