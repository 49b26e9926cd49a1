"""One hop: notice in, validated, deduplicated, case and household rows, events journalled and published. Ours and its peers."""
