"""The built storefront at `/`: files as they are, and index.html for every address that the page itself routes."""

import gzip
from pathlib import Path, PurePosixPath

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

SERVICE_PATHS = frozenset({"v1", "ws", "art", "health", "metrics", "openapi.json", "ofrep", "api"})
"""First parts of addresses that are the service's own: a wrong one is a 404, never the page."""

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; "
        "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
PACKED_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}
HASHED_FOLDER = "assets"
"""Where the build puts files whose names change with their content."""
FOREVER = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Smart Shopping System</title></head>
<body><main><h1>The service is running; its storefront is not built yet</h1>
<p>Run <code>make setup</code> in the checkout, then reload this page.</p>
<p>The API answers under <code>/v1</code>; <a href="/openapi.json">its description</a> says how.</p>
</main></body></html>
"""


class Pages:
    """Answers every address that no route has."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files = None if folder is None else StaticFiles(directory=folder)
        self._gzipped: dict[Path, tuple[int, bytes]] = {}
        """File → when it changed, and its gzip; as many as the build has files."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope, receive))
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        """A file, the page, or 404.

        Raises:
            HTTPException: 404 for an address that is neither, 405 for writing to a page.
        """
        path = request.url.path
        parts = PurePosixPath(path.strip("/")).parts
        if (parts and parts[0] in SERVICE_PATHS) or "\x00" in path:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        if self._files is None or self._folder is None:
            return HTMLResponse(NOT_BUILT, headers=PAGE_HEADERS)
        return await self._page_or_file(request, parts, self._files, self._folder)

    async def _page_or_file(
        self, request: Request, parts: tuple[str, ...], files: StaticFiles, folder: Path
    ) -> Response:
        name = "/".join(parts)
        full_path, found = await to_thread.run_sync(files.lookup_path, name)
        if found is not None and parts and await to_thread.run_sync(Path(full_path).is_file):
            response = await self._packed(request, Path(full_path), found.st_mtime_ns)
            if response is None:
                response = files.file_response(full_path, found, request.scope)
            caching = FOREVER if parts[0] == HASHED_FOLDER else REVALIDATED
            response.headers.update({"Cache-Control": caching, "X-Content-Type-Options": "nosniff"})
            return response
        if parts and "." in parts[-1]:
            raise HTTPException(404)
        return FileResponse(folder / "index.html", headers={**PAGE_HEADERS, "Cache-Control": REVALIDATED})

    async def _packed(self, request: Request, file: Path, changed_ns: int) -> Response | None:
        """Scripts and styles gzipped, once per file and change; None for what does not shrink or is not wanted so."""
        media_type = PACKED_TYPES.get(file.suffix)
        if media_type is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return None
        known = self._gzipped.get(file)
        if known is None or known[0] != changed_ns:
            content = await to_thread.run_sync(file.read_bytes)
            known = self._gzipped[file] = (changed_ns, await to_thread.run_sync(gzip.compress, content))
        return Response(
            known[1], headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, media_type=media_type
        )
