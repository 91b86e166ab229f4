"""What a wheel has as ``hexkey_contracts``, here: the suites and what they stand on, from where they are written."""
