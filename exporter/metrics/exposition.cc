#include "metrics/exposition.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace metrics {

namespace {

// Small enough to stay in a core's second-level cache, large enough to make each write() count.
constexpr std::size_t kPieceSize = 128 * 1024;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
// Doubles up to here are exact integers: 2^53.
constexpr double kExactIntegerLimit = 9007199254740992.0;

// 1 for the bytes that need a second look: controls, quotes, backslashes and all beyond ASCII.
constexpr auto kSpecial = [] {
  std::array<std::uint8_t, 256> special{};
  for (std::size_t byte = 0; byte < special.size(); ++byte) {
    special[byte] = byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\' ? 1 : 0;
  }
  return special;
}();

bool plain(std::string_view text) {
  std::uint8_t special = 0;  // no early exit: labels are short, and nearly all of them are plain
  for (char c : text) special |= kSpecial[static_cast<unsigned char>(c)];
  return special == 0;
}

// The pieces of a line are short and of all lengths: two fixed copies that overlap take a third of
// the time of a call to memcpy.
char* copy(std::string_view bytes, char* to) {
  const char* from = bytes.data();
  const std::size_t size = bytes.size();
  if (size >= 8 && size <= 16) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size > 16 && size <= 32) {
    std::memcpy(to, from, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size < 8) {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  } else {
    std::memcpy(to, from, size);
  }
  return to + size;
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
  auto [end, error] =
      std::to_chars(text_.data(), text_.data() + text_.size(), number, std::chars_format::general);
  size_ = static_cast<std::size_t>(end - text_.data());
}

// Exact, and several times faster than by way of a double.
void Value::set_nanoseconds(std::int64_t nanoseconds) {
  if (nanoseconds < 0) return set_double(base::to_seconds(base::Duration(nanoseconds)));
  set_integer(nanoseconds / kNanosecondsPerSecond);
  auto fraction = static_cast<std::uint32_t>(nanoseconds % kNanosecondsPerSecond);
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
  if (plain(label.value)) {
    labels += label.value;
  } else if (label.value.find('\0') != std::string_view::npos ||
             !base::is_valid_utf8(label.value)) {
    append_escaped_value(labels, base::printable(label.value, label.value.size()));
  } else {
    append_escaped_value(labels, label.value);
  }
  labels += '"';
}

Exposition::Exposition(Sink sink) : sink_(std::move(sink)) {}

void Exposition::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  type_ = type;
  help_ = help;
  header_written_ = false;
}

char* Exposition::room(std::size_t bytes) {
  if (text_.size() - size_ < bytes) text_.resize(2 * text_.size() + bytes + kPieceSize);
  return text_.data() + size_;
}

void Exposition::append(std::string_view bytes) {
  copy(bytes, room(bytes.size()));
  size_ += bytes.size();
}

std::string Exposition::take() {
  text_.resize(std::exchange(size_, 0));
  return std::exchange(text_, {});
}

void Exposition::header() {
  header_written_ = true;
  std::string text = "# HELP " + std::string(name_) + " ";
  append_escaped_help(text, help_);
  text += "\n# TYPE " + std::string(name_) + " " + std::string(type_) + "\n";
  append(text);
}

void Exposition::sample(std::string_view common, std::initializer_list<Label> own,
                        const Value& value) {
  bool all_plain = true;
  std::size_t size = name_.size() + common.size() + value.text().size() + 4;
  for (const Label& label : own) {
    all_plain = all_plain && plain(label.value);
    size += label.name.size() + label.value.size() + 4;
  }
  if (!all_plain || (common.empty() && own.size() == 0)) {
    own_labels_.clear();
    for (const Label& label : own) render_label(own_labels_, label);
    return line("", common, own_labels_, value);
  }
  if (!header_written_) header();
  char* to = copy(name_, room(size));
  *to++ = '{';
  to = copy(common, to);
  bool first = common.empty();
  for (const Label& label : own) {
    if (!std::exchange(first, false)) *to++ = ',';
    to = copy(label.name, to);
    *to++ = '=';
    *to++ = '"';
    to = copy(label.value, to);
    *to++ = '"';
  }
  *to++ = '}';
  *to++ = ' ';
  to = copy(value.text(), to);
  *to++ = '\n';
  size_ = static_cast<std::size_t>(to - text_.data());
  if (sink_ && size_ >= kPieceSize) finish();
}

void Exposition::line(std::string_view suffix, std::string_view common, std::string_view own,
                      const Value& value) {
  if (!header_written_) header();
  append(name_);
  append(suffix);
  if (!common.empty() || !own.empty()) {
    append("{");
    append(common);
    if (!common.empty() && !own.empty()) append(",");
    append(own);
    append("}");
  }
  append(" ");
  append(value.text());
  append("\n");
  if (sink_ && size_ >= kPieceSize) finish();
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
  if (!sink_ || size_ == 0) return;
  sink_(std::string_view(text_).substr(0, size_));
  size_ = 0;
}

}  // namespace metrics
