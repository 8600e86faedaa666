"""A dump becomes pages: files and streams of any format, in order, each record told apart and decoded, none lost."""
