"""A report: one HTML file of finished runs that opens offline, asks nothing of any network, and can be sent."""

from msde_toolkit.report.build import Report, Wanted, write_report

__all__ = ["Report", "Wanted", "write_report"]
