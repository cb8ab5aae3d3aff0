"""What several files of tests begin with: installations that are made once, and small inputs."""
