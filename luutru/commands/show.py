"""`luutru show`."""

from typing import TYPE_CHECKING

import click

from luutru.commands import Command, Invocation
from luutru.output import counted, local, write, write_json
from storage.config import Config

if TYPE_CHECKING:
    from storage.index.attachments import Offered
    from storage.index.questions import Shown


@click.command(cls=Command)
@click.argument("document", metavar="DOC|URL")
@click.pass_obj
def command(invocation: Invocation, document: str) -> None:
    """Show a document, what it says and where the proof lies.

    DOC is a document's identity, such as dangcongsan/592693, or its number; URL is any address of it.
    """
    import spiders
    from storage.index import questions

    with invocation.collection() as collection:
        with collection.index.read() as connection:
            shown = questions.show(connection, document, spiders.documents(document))
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
    if shown.lead and not (shown.text or "").startswith(shown.lead):
        write(f"\n{shown.lead}")
    if shown.text:
        write(f"\n{shown.text}")
    write(f"\nProvenance: {counted(len(shown.captures), 'capture')}, {counted(len(shown.versions), 'version')}")
    for one in shown.captures:
        write(f"\n{one.timestamp}  {one.status or 'no status'}  {one.type}  {one.url}")
        write(f"  {one.warc}  offset {one.offset}  length {one.length}")
        write(f"  {one.payload_digest or 'no payload digest'}  from {one.ip or 'an unknown address'}")


def _kept(file: "Offered") -> str:
    if file.document is None:
        return "not archived"
    return f"{file.document}{'' if file.has_text else ', without text'}"


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
        ("No text", shown.reason or ""),
        ("Read by", f"{shown.method}, confidence {shown.confidence:.2f}" if shown.confidence is not None else ""),
        ("Version", f"{shown.version} of {len(shown.versions)}" if shown.version else ""),
        ("Gone", f"since {local(shown.gone_since, config.zone)}" if shown.gone_since else ""),
        *(("Address", one) for one in shown.addresses),
        *(("Image", f"{one.url} {one.caption or ''}".rstrip()) for one in shown.images),
        *(("Attachment", f"{one.url} {one.name} ({_kept(one)})") for one in shown.attachments),
        *(("Offered by", f"{one.document}: {one.title}") for one in shown.articles),
        *(("Also as", f"{one.document}: {one.title}") for one in shown.republications),
    ]
