"""What a running apply says over HTTP."""

import re
import urllib.error
import urllib.request

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def url_of(apply):
    """Of a waltrail apply whose --listen has port 0: where it listens now."""
    apply.wait_for_output("metrics and health on http://")
    return re.findall(r"metrics and health on (http://\S+?)[\"\s]", apply.output())[-1]


def get(apply, path, timeout_s=10):
    """Status and body."""
    try:
        with urllib.request.urlopen(url_of(apply) + path, timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def parsed(text):
    """Samples as {(name, ((label, value), …)): value}; every line must be one, or a comment."""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in samples, f"{key} comes twice"
        samples[key] = float(value)
    return samples


class Metrics:
    """One look at /metrics."""

    def __init__(self, apply):
        status, self.text = get(apply, "/metrics")
        assert status == 200
        self.samples = parsed(self.text)

    def value(self, name, **labels):
        """None: it is absent."""
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def labels(self, name):
        """Of the only sample of that name."""
        [labels] = [dict(labels) for sample, labels in self.samples if sample == name]
        return labels

    def names(self):
        return {name for name, _ in self.samples}
