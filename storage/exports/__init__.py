"""What the archive holds, in the words of others: one file a format. Each gives its output piece by piece."""
