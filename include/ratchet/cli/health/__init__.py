"""What `ratchet doctor` looks at beside this machine and its data: one subject a file, each told by findings."""
