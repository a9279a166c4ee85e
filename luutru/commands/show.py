"""`luutru show`."""

from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import local, write, write_json, write_table
from storage.config import Config

if TYPE_CHECKING:
    from storage.index.questions import Shown


@click.command(cls=Command)
@click.argument("document", metavar="DOC|URL")
@click.pass_obj
def command(invocation: Invocation, document: str) -> None:
    """Show a document, what it says and where the proof lies.

    DOC is a document's identity, such as dangcongsan/592693, or its number; URL is any address of it.
    """
    from storage.index import questions

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            shown = questions.show(connection, document)
        if invocation.json:
            write_json(shown)
        else:
            _page(shown, collection.config)


def _page(shown: "Shown", config: Config) -> None:
    write(shown.title or shown.url)
    write()
    for name, value in _facts(shown, config):
        if value:
            write(f"{name + ':':<13}{value}")
    for part in (shown.lead, shown.text):
        if part:
            write(f"\n{part}")
    write(f"\nProvenance: {len(shown.captures)} captures, {len(shown.versions)} versions\n")
    columns = ("timestamp", "status", "type", "address", "WARC file", "offset", "length", "digest", "ip")
    held = ((*(getattr(one, name) for name in _HELD),) for one in shown.captures)
    write_table(columns, ((row[0], str(row[1] or ""), *row[2:5], str(row[5]), *row[6:]) for row in held))


_HELD = ("timestamp", "status", "type", "url", "warc", "offset", "length", "payload_digest", "ip")


def _facts(shown: "Shown", config: Config) -> list[tuple[str, str]]:
    published = local(shown.published, config.zone)
    modified = local(shown.modified, config.zone)
    return [
        ("Document", f"{shown.document} ({shown.kind} of {shown.site})"),
        ("Published", f"{published} (read from: {shown.published_from})" if published else ""),
        ("Modified", modified),
        ("Section", " › ".join(shown.section)),
        ("Authors", ", ".join(shown.authors)),
        ("Tags", ", ".join(shown.tags)),
        ("Views", "" if shown.views is None else f"{shown.views:,}"),
        ("Read by", f"{shown.method}, confidence {shown.confidence:.2f}" if shown.confidence is not None else ""),
        ("Version", f"{shown.version} of {len(shown.versions)}" if shown.version else ""),
        ("Gone", "yes, its addresses answer no more" if shown.gone else ""),
        *(("Address", one) for one in shown.addresses),
        *(("Image", f"{one.url} {one.caption or ''}".rstrip()) for one in shown.images),
        *(("Attachment", f"{one.url} {one.name}") for one in shown.attachments),
        *(("Also as", f"{one.document}: {one.title}") for one in shown.republications),
    ]
