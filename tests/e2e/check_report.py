"""What `waltrail check --json` has printed, with its promises asserted, and questions to it."""

import json


class Report:
    """What `waltrail check --json` has printed."""

    def __init__(self, done):
        assert done.stderr == "", done.stderr
        printed = json.loads(done.stdout)
        self.status = done.returncode
        self.errors, self.warnings, self.findings = printed["errors"], printed["warnings"], printed["findings"]
        for finding in self.findings:
            assert list(finding) == ["end", "severity", "check", "what", "where", "mend"]
        assert self.status == (1 if self.errors else 0)
        assert self.errors == len(self.of_severity("error")) and self.warnings == len(self.of_severity("warning"))

    def of_severity(self, severity):
        return [finding for finding in self.findings if finding["severity"] == severity]

    def of_check(self, check):
        return [finding for finding in self.findings if finding["check"] == check]

    def worse_than_note(self):
        return [(f["end"], f["severity"], f["check"]) for f in self.findings if f["severity"] in ("warning", "error")]

    def only(self, check, severity, *words):
        """The one finding of a check, which is of that severity and has these words in what it says."""
        [finding] = self.of_check(check)
        assert finding["severity"] == severity, finding
        for word in words:
            assert word in f"{finding['what']}: {finding['mend']}", finding
        return finding
