"""What is kept: WARC files, their index, and what both promise. Imports nothing of ours."""
