#include "metrics/exposition.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace metrics {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

std::string text_of(const Value& value) { return std::string(value.text()); }

TEST(Value, IntegersHaveNoExponent) {
  EXPECT_EQ(text_of(0), "0");
  EXPECT_EQ(text_of(-7), "-7");
  EXPECT_EQ(text_of(1'000'000'000'000), "1000000000000");
  EXPECT_EQ(text_of(1e15), "1000000000000000");
  EXPECT_EQ(text_of(-0.0), "0");
  EXPECT_EQ(text_of(std::uint64_t{9'007'199'254'740'993U}), "9007199254740993");
}

TEST(Value, DoublesAreTheShortestThatReadBack) {
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(text_of(1e300), "1e+300");
  EXPECT_EQ(std::stod(text_of(std::numeric_limits<double>::min())),
            std::numeric_limits<double>::min());
}

TEST(Value, SpecialNumbersHaveTheirNames) {
  EXPECT_EQ(text_of(std::nan("")), "NaN");
  EXPECT_EQ(text_of(INFINITY), "+Inf");
  EXPECT_EQ(text_of(-INFINITY), "-Inf");
}

TEST(Value, TimesAreExactSeconds) {
  EXPECT_EQ(text_of(base::Duration(0)), "0");
  EXPECT_EQ(text_of(base::Duration(1ns)), "0.000000001");
  EXPECT_EQ(text_of(base::Duration(1500ms)), "1.5");
  EXPECT_EQ(text_of(base::Duration(61s)), "61");
  EXPECT_EQ(text_of(base::Duration(-1500ms)), "-1.5");
  EXPECT_EQ(text_of(base::WallTime(1767323045678901us)), "1767323045.678");
}

TEST(RenderLabel, EscapesAndRepairs) {
  auto rendered = [](std::string_view value) {
    std::string labels;
    render_label(labels, {"a", value});
    return labels;
  };
  EXPECT_EQ(rendered("plain"), R"(a="plain")");
  EXPECT_EQ(rendered("q\" b\\ n\n."), R"(a="q\" b\\ n\n.")");
  EXPECT_EQ(rendered("größe"), "a=\"größe\"");
  EXPECT_EQ(rendered("\xff\"x"), R"(a="?\"x")");
  EXPECT_EQ(rendered("a\0b"s), R"(a="a?b")");
  EXPECT_EQ(rendered(""), R"(a="")");
}

TEST(Exposition, WritesHelpAndTypeOnceAndOnlyWithSamples) {
  Exposition page;
  page.begin("empty_total", "counter", "Nothing.");
  page.begin("a_total", "counter", "Line one\nline \\ two \"quoted\".");
  page.sample("", {}, 1);
  page.sample("t=\"x\"", {}, 2);
  page.sample("t=\"x\"", {{"b", "1"}, {"a", "2"}}, 3);
  page.sample("", {{"b", "1"}}, 4);
  EXPECT_EQ(page.take(),
            "# HELP a_total Line one\\nline \\\\ two \"quoted\".\n"
            "# TYPE a_total counter\n"
            "a_total 1\n"
            "a_total{t=\"x\"} 2\n"
            "a_total{t=\"x\",b=\"1\",a=\"2\"} 3\n"
            "a_total{b=\"1\"} 4\n");
}

TEST(Exposition, WritesHistogramsOfTheModel) {
  prometheus::MetricFamily family{"d_seconds", "How long.", prometheus::MetricType::Histogram, {}};
  auto& metric = family.metric.emplace_back();
  metric.label = {{"phase", "a\"b"}};
  metric.histogram.sample_count = 4;
  metric.histogram.sample_sum = 12.5;
  metric.histogram.bucket = {{1, 0.005}, {3, 1}, {4, INFINITY}};
  Exposition page;
  page.family(family);
  EXPECT_EQ(page.take(),
            "# HELP d_seconds How long.\n"
            "# TYPE d_seconds histogram\n"
            "d_seconds_bucket{phase=\"a\\\"b\",le=\"0.005\"} 1\n"
            "d_seconds_bucket{phase=\"a\\\"b\",le=\"1\"} 3\n"
            "d_seconds_bucket{phase=\"a\\\"b\",le=\"+Inf\"} 4\n"
            "d_seconds_sum{phase=\"a\\\"b\"} 12.5\n"
            "d_seconds_count{phase=\"a\\\"b\"} 4\n");
}

TEST(Exposition, WritesCountersAndGaugesOfTheModel) {
  prometheus::MetricFamily family{"g", "G.", prometheus::MetricType::Gauge, {}};
  family.metric.emplace_back().gauge.value = 2.5;
  Exposition page;
  page.family(family);
  family = {"c_total", "C.", prometheus::MetricType::Counter, {}};
  family.metric.emplace_back().counter.value = 7;
  page.family(family);
  EXPECT_EQ(page.take(),
            "# HELP g G.\n# TYPE g gauge\ng 2.5\n# HELP c_total C.\n# TYPE c_total counter\n"
            "c_total 7\n");
}

TEST(Exposition, AStreamedPageIsTheSamePage) {
  auto write = [](Exposition& page) {
    page.begin("a_total", "counter", "A.");
    for (int i = 0; i < 30'000; ++i) page.sample("target=\"some host\"", {{"n", "1"}}, i);
    page.finish();
  };
  Exposition whole;
  write(whole);
  std::string joined;
  std::size_t longest = 0;
  Exposition streamed([&](std::string_view piece) {
    joined += piece;
    longest = std::max(longest, piece.size());
  });
  write(streamed);
  EXPECT_EQ(joined, whole.take());
  EXPECT_LT(longest, 200'000U);
}

}  // namespace
}  // namespace metrics
