"""Alembic's entry: the migrations run inside the transaction of the connection that they are given."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=False)
context.run_migrations()
