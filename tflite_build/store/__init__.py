"""What has been done: blobs by content, results by action key, and what is known of the user's files."""
