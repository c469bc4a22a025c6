"""The contract between laptop and worker, in one object store: job file, heartbeat, ledger, lease, artifact."""
