// Writer of the Prometheus text format 0.0.4. Hides escaping, number formats and buffering;
// whatever the label values are, the page stays valid. One page, one thread.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace metrics {

struct Label {
  std::string_view name;
  std::string_view value;
};

// A sample's value as text: integers without exponent, times in seconds.
class Value {
 public:
  Value(std::integral auto number) { set_integer(static_cast<std::int64_t>(number)); }  // NOLINT
  Value(double number) { set_double(number); }                                          // NOLINT
  Value(base::Duration duration) { set_nanoseconds(duration.count()); }                 // NOLINT
  Value(base::WallTime time);                                                           // NOLINT
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  void set_integer(std::int64_t number);
  void set_double(double number);
  void set_nanoseconds(std::int64_t nanoseconds);

  std::array<char, 32> text_;  // the longest double has 24 characters
  std::size_t size_ = 0;
};

class Exposition {
 public:
  using Sink = std::function<void(std::string_view)>;

  // Keeps the whole page for take().
  Exposition() = default;
  // Hands the page over in pieces, the last one by finish(): memory stays bounded.
  explicit Exposition(Sink sink);

  // The samples that follow belong to this metric, whose HELP and TYPE are written with the first
  // of them. `name` and `help` must outlive those samples. `type` is counter, gauge or histogram.
  void begin(std::string_view name, std::string_view type, std::string_view help);
  // `common` comes from render_labels() or is empty; `own` labels follow it in the given order.
  void sample(std::string_view common, std::initializer_list<Label> own, const Value& value);
  // A whole metric in prometheus-cpp's model. Summaries and untyped metrics are not used here.
  void family(const prometheus::MetricFamily& family);

  void finish();
  [[nodiscard]] std::string take();

 private:
  void header();
  char* room(std::size_t bytes);
  void append(std::string_view bytes);
  void line(std::string_view suffix, std::string_view common, std::string_view own,
            const Value& value);
  void histogram(const prometheus::ClientMetric& metric);

  Sink sink_;
  // Written through room(): appending to a string would cost more than the bytes themselves.
  std::string text_;
  std::size_t size_ = 0;  // of what is written; text_ is longer
  std::string_view name_;
  std::string_view type_;
  std::string_view help_;
  std::string own_labels_;  // scratch, kept for its capacity
  bool header_written_ = false;
};

// `name="value"` with the value escaped; appended to `labels` after a comma where needed. Values
// that are not valid UTF-8, or hold a NUL, are made printable: Prometheus would reject the whole
// page.
void render_label(std::string& labels, const Label& label);

}  // namespace metrics
