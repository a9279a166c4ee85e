"""The values of a column without counting through its rows."""

from sqlalchemy import Column, Subquery, func, select


def values_of(column: Column[str], name: str) -> Subquery:
    """The distinct values of a column with which an index begins: one look for each, however many rows there are."""
    first = select(func.min(column).label(column.name)).cte(f"each_of_{name}", recursive=True)
    value = first.c[column.name]
    following = select(func.min(column)).where(column > value).scalar_subquery()
    each = first.union_all(select(following).where(value.is_not(None)))
    return select(each).where(each.c[column.name].is_not(None)).subquery(name)
