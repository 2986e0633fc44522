"""SERVQUAL gaps: perception minus expectation, from answers, moments or print."""
