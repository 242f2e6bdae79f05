"""Images from elsewhere: safe download, sniffing, deduplication by content, variants."""
