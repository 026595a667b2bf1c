#include "metrics/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/text.h"

namespace metrics {

namespace {

// Small enough to stay in a core's second-level cache, large enough to make each write() count.
constexpr std::size_t kPieceSize = 128 * 1024;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
// Doubles up to here are exact integers: 2^53.
constexpr double kExactIntegerLimit = 9007199254740992.0;

bool plain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

void append_escaped_value(std::string& text, std::string_view value) {
  for (char c : value) {
    switch (c) {
      case '\\':
        text += "\\\\";
        break;
      case '"':
        text += "\\\"";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text += c;
    }
  }
}

void append_escaped_help(std::string& text, std::string_view help) {
  for (char c : help) {
    switch (c) {
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text += c;
    }
  }
}

const char* name_of(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Histogram:
      return "histogram";
    case prometheus::MetricType::Summary:
      return "summary";
    case prometheus::MetricType::Untyped:
      return "untyped";
  }
  return "untyped";
}

}  // namespace

Value::Value(base::WallTime time) {
  // Milliseconds, as everywhere in Prometheus: more digits would only make pages longer.
  auto whole = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  set_nanoseconds(base::Duration(whole).count());
}

void Value::set_integer(std::int64_t number) {
  auto [end, error] = std::to_chars(text_.data(), text_.data() + text_.size(), number);
  size_ = static_cast<std::size_t>(end - text_.data());
}

void Value::set_double(double number) {
  if (std::isnan(number) || std::isinf(number)) {
    std::string_view name = std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
    size_ = name.copy(text_.data(), text_.size());
    return;
  }
  if (number == std::trunc(number) && std::abs(number) < kExactIntegerLimit) {
    return set_integer(static_cast<std::int64_t>(number));
  }
  auto [end, error] = std::to_chars(text_.data(), text_.data() + text_.size(), number,
                                  std::chars_format::general);
  size_ = static_cast<std::size_t>(end - text_.data());
}

// Exact, and several times faster than by way of a double.
void Value::set_nanoseconds(std::int64_t nanoseconds) {
  if (nanoseconds < 0) return set_double(base::to_seconds(base::Duration(nanoseconds)));
  set_integer(nanoseconds / kNanosecondsPerSecond);
  std::int64_t fraction = nanoseconds % kNanosecondsPerSecond;
  if (fraction == 0) return;
  text_[size_++] = '.';
  constexpr std::size_t kDigits = 9;
  for (std::size_t i = kDigits; i-- > 0; fraction /= 10) {
    text_[size_ + i] = static_cast<char>('0' + fraction % 10);
  }
  size_ += kDigits;
  while (text_[size_ - 1] == '0') --size_;
}

void render_label(std::string& labels, const Label& label) {
  if (!labels.empty()) labels += ',';
  labels += label.name;
  labels += "=\"";
  if (std::all_of(label.value.begin(), label.value.end(), plain)) {
    labels += label.value;
  } else if (label.value.find('\0') != std::string_view::npos ||
             !base::is_valid_utf8(label.value)) {
    append_escaped_value(labels, base::printable(label.value, label.value.size()));
  } else {
    append_escaped_value(labels, label.value);
  }
  labels += '"';
}

Exposition::Exposition(Sink sink) : sink_(std::move(sink)) { text_.reserve(kPieceSize * 2); }

void Exposition::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  type_ = type;
  help_ = help;
  header_written_ = false;
}

void Exposition::header() {
  header_written_ = true;
  text_ += "# HELP ";
  text_ += name_;
  text_ += ' ';
  append_escaped_help(text_, help_);
  text_ += "\n# TYPE ";
  text_ += name_;
  text_ += ' ';
  text_ += type_;
  text_ += '\n';
}

void Exposition::sample(std::string_view common, std::initializer_list<Label> own,
                        const Value& value) {
  own_labels_.clear();
  for (const Label& label : own) render_label(own_labels_, label);
  line("", common, own_labels_, value);
}

void Exposition::line(std::string_view suffix, std::string_view common, std::string_view own,
                      const Value& value) {
  if (!header_written_) header();
  text_ += name_;
  text_ += suffix;
  if (!common.empty() || !own.empty()) {
    text_ += '{';
    text_ += common;
    if (!common.empty() && !own.empty()) text_ += ',';
    text_ += own;
    text_ += '}';
  }
  text_ += ' ';
  text_ += value.text();
  text_ += '\n';
  if (sink_ && text_.size() >= kPieceSize) finish();
}

void Exposition::family(const prometheus::MetricFamily& family) {
  begin(family.name, name_of(family.type), family.help);
  for (const auto& metric : family.metric) {
    own_labels_.clear();
    for (const auto& label : metric.label) render_label(own_labels_, {label.name, label.value});
    switch (family.type) {
      case prometheus::MetricType::Counter:
        line("", "", own_labels_, metric.counter.value);
        break;
      case prometheus::MetricType::Gauge:
        line("", "", own_labels_, metric.gauge.value);
        break;
      case prometheus::MetricType::Histogram:
        histogram(metric);
        break;
      case prometheus::MetricType::Untyped:
        line("", "", own_labels_, metric.untyped.value);
        break;
      case prometheus::MetricType::Summary:
        break;
    }
  }
}

// The labels stand in own_labels_.
void Exposition::histogram(const prometheus::ClientMetric& metric) {
  const auto& data = metric.histogram;
  for (const auto& bucket : data.bucket) {
    if (std::isinf(bucket.upper_bound)) continue;
    std::string bound = "le=\"" + std::string(Value(bucket.upper_bound).text()) + "\"";
    line("_bucket", own_labels_, bound, bucket.cumulative_count);
  }
  line("_bucket", own_labels_, "le=\"+Inf\"", data.sample_count);
  line("_sum", own_labels_, "", data.sample_sum);
  line("_count", own_labels_, "", data.sample_count);
}

void Exposition::finish() {
  if (!sink_ || text_.empty()) return;
  sink_(text_);
  text_.clear();
}

}  // namespace metrics
