"""The index: a cache over the WARC files, one module a subject, its writes and its reads side by side.

Every function takes a SQLAlchemy `Connection`; whoever opened it decides where a transaction begins and ends.
"""
