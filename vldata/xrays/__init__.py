"""What each trainer's own code makes of a record: tokens, labels, positions, images; and the first thing in which they part."""
