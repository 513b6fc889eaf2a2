"""The conformance kit: what plugin authors run on their plugin, here and as ``msde plugin check NAME``.

In a test of the plugin:

    from msde_toolkit.testing import check

    def test_conforms():
        check("tinynet").raise_for_failures()
"""

from msde_toolkit.testing.conformance import check
from msde_toolkit.testing.report import Finding, NotConforming, Report

__all__ = ["Finding", "NotConforming", "Report", "check"]
