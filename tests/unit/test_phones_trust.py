"""How far the network vouches for a number: exact words, and only when they come once."""

from __future__ import annotations

import pytest

from config.models import TRUST
from router.directory.trust import trust_of_attestation, trust_of_verstat


@pytest.mark.parametrize(
    ("values", "trust"),
    [
        (["TN-Validation-Passed-A"], "verified"),
        (["TN-Validation-Passed-B"], "partial"),
        (["TN-Validation-Passed-C"], "gateway"),
        (["TN-Validation-Passed-A-Diverted"], "partial"),
        (["TN-Validation-Passed-A-Passthrough"], "partial"),
        (["TN-Validation-Passed-B-Diverted"], "gateway"),
        (["TN-Validation-Failed"], "failed"),
        (["TN-Validation-Failed-A"], "failed"),
        (["TN-Validation-Failed-C-Passthrough"], "failed"),
        (["No-TN-Validation"], "none"),
        (["NULL"], "none"),
        ([], "none"),
        (["TN-Validation-Passed-A-Something-New"], "none"),
        (["tn-validation-passed-a"], "none"),
        (["TN-Validation-Passed-A", "TN-Validation-Passed-A"], "none"),
    ],
)
def test_the_carriers_word(values, trust):
    assert trust_of_verstat(values) == trust
    assert trust in TRUST


@pytest.mark.parametrize(
    ("level", "validated", "trust"),
    [
        ("A", True, "verified"),
        ("B", True, "partial"),
        ("C", True, "gateway"),
        ("A", False, "failed"),
        (None, False, "failed"),
        ("A", None, "none"),
        ("Z", True, "none"),
        (None, None, "none"),
    ],
)
def test_level_and_check_apart(level, validated, trust):
    assert trust_of_attestation(level, validated) == trust
