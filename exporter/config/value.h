// How each type of value is read from the file, printed into one, and described: overloads for the
// types that options have. A reader leaves its target alone where it reports a problem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "config/document.h"
#include "model/target.h"

namespace config {

// Inclusive. Milliseconds of a duration, entries of a list; of no meaning for other types.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

struct Field {
  std::string_view key;
  Range range;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

void read_value(const Node& node, const Field& field, base::Duration& value, Problems& problems);
void read_value(const Node& node, const Field& field, bool& value, Problems& problems);
void read_value(const Node& node, const Field& field, model::Depth& value, Problems& problems);
void read_value(const Node& node, const Field& field, model::IpProtocol& value, Problems& problems);
void read_value(const Node& node, const Field& field, model::AddressSelection& value,
                Problems& problems);
void read_value(const Node& node, const Field& field, std::optional<base::IpAddress>& value,
                Problems& problems);
void read_value(const Node& node, const Field& field, std::vector<std::uint16_t>& value,
                Problems& problems);
void read_value(const Node& node, const Field& field, std::vector<base::IpNetwork>& value,
                Problems& problems);
void read_value(const Node& node, const Field& field, base::HostPort& value, Problems& problems);
// `value` is sorted by name.
void read_value(const Node& node, const Field& field, Labels& value, Problems& problems);
// Lists of texts come in two kinds.
void read_algorithms(const Node& node, const Field& field, std::vector<std::string>& value,
                     Problems& problems);
void read_patterns(const Node& node, const Field& field, std::vector<std::string>& value,
                   Problems& problems);
// An absolute path, or nothing if `may_be_empty`.
void read_path(const Node& node, const Field& field, bool may_be_empty, std::string& value,
               Problems& problems);

// A value as YAML: one text, or a list's entries.
struct Printed {
  Printed() = default;
  Printed(std::string value) : text(std::move(value)) {}  // NOLINT: implicit
  Printed(const char* value) : text(value) {}             // NOLINT: implicit
  [[nodiscard]] std::string on_one_line() const;
  bool operator==(const Printed&) const = default;

  std::string text;
  std::vector<std::string> entries;
  bool is_list = false;
};

Printed print_value(base::Duration value);
Printed print_value(bool value);
Printed print_value(model::Depth value);
Printed print_value(model::IpProtocol value);
Printed print_value(model::AddressSelection value);
Printed print_value(const std::optional<base::IpAddress>& value);
Printed print_value(const std::vector<std::uint16_t>& value);
Printed print_value(const std::vector<base::IpNetwork>& value);
Printed print_value(const std::vector<std::string>& value);
Printed print_value(const base::HostPort& value);
Printed print_value(const Labels& value);
// Plain where YAML and a reader's eye take it for a text, else in double quotes.
std::string print_text(std::string_view text);

// For the reference: "duration, 1s to 1w".
std::string describe(base::Duration example, Range range);
std::string describe(bool example, Range range);
std::string describe(model::Depth example, Range range);
std::string describe(model::IpProtocol example, Range range);
std::string describe(model::AddressSelection example, Range range);
std::string describe(const std::optional<base::IpAddress>& example, Range range);
std::string describe(const std::vector<std::uint16_t>& example, Range range);
std::string describe(const std::vector<base::IpNetwork>& example, Range range);
std::string describe(const std::vector<std::string>& example, Range range);
std::string describe(const base::HostPort& example, Range range);
std::string describe(const Labels& example, Range range);

}  // namespace config
