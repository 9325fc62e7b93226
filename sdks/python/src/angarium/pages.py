"""Lists: a page at a time, or all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable, Generic, TypeVar

T = TypeVar("T")

Fetch = Callable[[Mapping[str, Any]], Any]


class Page(Generic[T]):
    """One page of a list. Iterating over it gives its items; `all()` goes on through the pages that follow.

    By cursor where the list has one, so that nothing is seen twice or missed while rows arrive; else by page.
    """

    def __init__(self, body: Mapping[str, Any], fetch: Fetch, query: Mapping[str, Any]) -> None:
        data = body["data"]
        if isinstance(data, dict):
            # Webhooks, keys and logs have the totals beside the rows.
            totals: Mapping[str, Any] = data
            rows = next((value for value in data.values() if isinstance(value, list)), [])
        else:
            totals, rows = body.get("pagination") or {}, data
        self.items: list[T] = rows
        self.total: int | None = totals.get("total")
        self.page: int | None = totals.get("page")
        self.limit: int | None = totals.get("limit")
        self.total_pages: int | None = totals.get("totalPages")
        self.next_cursor: str | None = totals.get("nextCursor")
        self.prev_cursor: str | None = totals.get("prevCursor")
        self._has_cursors = "nextCursor" in totals
        self._fetch = fetch
        self._query = query

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> T:
        return self.items[index]

    def __repr__(self) -> str:
        return f"Page({len(self.items)} of {self.total})"

    def next(self) -> Page[T] | None:
        """The page that follows, or `None` after the last."""
        if self._has_cursors:
            if self.next_cursor is None:
                return None
            query = {**self._query, "page": None, "cursor": self.next_cursor}
        else:
            if not self.items or self.page is None or self.page >= (self.total_pages or 0):
                return None
            query = {**self._query, "page": self.page + 1}
        return Page(self._fetch(query), self._fetch, query)

    def all(self) -> Iterator[T]:
        """Every item of this page and of those that follow, each page fetched when it is needed."""
        page: Page[T] | None = self
        while page is not None:
            yield from page.items
            page = page.next()
