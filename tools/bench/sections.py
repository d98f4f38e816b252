"""Sections of docs/benchmarks.md: what one of them says is replaced without the others."""

#: A heading of the same rank begins with this.
_NEXT = "\n## "


def section_of(page: str, title: str) -> str:
    """Return a section with its title, without the blank line before the next one; "" for none."""
    begin = page.find(title)
    if begin < 0:
        return ""
    end = page.find(_NEXT, begin)
    return page[begin:] if end < 0 else page[begin:end]


def replaced(page: str, title: str, text: str, before: str) -> str:
    """Return a page with a section instead of the one that it has with this title.

    If it has none the section is put before the title ``before``; ValueError without that one.
    """
    old = section_of(page, title)
    if old:
        return page.replace(old, text)
    place = page.index(before)
    return f"{page[:place]}{text}\n{page[place:]}"
