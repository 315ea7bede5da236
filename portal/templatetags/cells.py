"""The cells of the picture of who reaches what: made here, since a page has hundreds and templates take far longer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from django import template
from django.utils.safestring import mark_safe
from django.utils.translation import gettext

from portal.templatetags.handover import icon

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from portal.access.matrix import Cell, Row

register = template.Library()

_OPEN: Final = '<td class="{0}"><a href="{1}" hx-get="{1}">{2}{3}<span class="visually-hidden">{4}</span></a></td>'
_NONE: Final = (
    '<td class="{}"><span><span aria-hidden="true">&ndash;</span><span class="visually-hidden">{}</span></span></td>'
)
_IDLE: Final = '<span class="idle-m" aria-hidden="true">{}</span>'


@register.simple_tag
def cells(row: Row) -> SafeString:
    """One partner's cells. What could be had, or could be once, is a link to the way behind it."""
    idle, none, address = _IDLE.format(icon("clock", "icon-s")), escape(gettext("none")), escape(row.address)
    drawn = "".join(_cell(cell, address, idle, none) for cell in row.cells)
    return mark_safe(drawn)  # noqa: S308 - each text in it was escaped, once


def _cell(cell: Cell, address: str, idle: str, none: str) -> str:
    """The look and the figure are words and digits of our own; the name of a target, and what is told, are not."""
    if not (cell.scopes or cell.lost):
        return _NONE.format(cell.look, none)
    mark = idle if cell.is_unused else ""
    return _OPEN.format(cell.look, address + escape(cell.target.name), cell.figure, mark, escape(cell.words))
