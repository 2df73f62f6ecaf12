"""What the tests from outside stand on: processes, clients, verifiers."""
