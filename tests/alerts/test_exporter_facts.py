import pytest

from exporter_facts import metric_names


@pytest.mark.parametrize("expr,names", [
    ("up", {"up"}),
    ('up{job="a", x=~"b_c|d"} == 0', {"up"}),
    ("sum by (job, instance) (rate(a_total[5m])) / on (job) group_left (x) b", {"a_total", "b"}),
    ("histogram_quantile(0.5, sum by (le) (rate(h_bucket[$__rate_interval])))", {"h_bucket"}),
    ("sum(a) by (job) > 1 and b offset 1h == 0 or time() - c > 300", {"a", "b", "c"}),
    ('label_replace(vector(1), "a", "b", "", "") or -d', {"d"}),
    ("topk by (x) (1, e{y='}'})", {"e"}),
    ("a:b:c * 1e3", {"a:b:c"}),
])
def test_metric_names(expr, names):
    assert metric_names(expr) == names
