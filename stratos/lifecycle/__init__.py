"""up, status, logs, ask, report, destroy: resumable steps over all the other rooms."""
