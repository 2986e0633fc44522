"""Reporting: results in, one HTML document out.

The face is `satmetrics.reporting.report.report` (``sat.report``). `standard` decides
which analyses a survey allows; the command line is a thin face over both.
"""
