#include "config/value.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <span>

#include "base/text.h"
#include "config/limits.h"
#include "model/labels.h"

namespace config {

namespace {

using std::chrono::milliseconds;

constexpr std::array kDepths{model::Depth::connect, model::Depth::banner, model::Depth::kexinit};
constexpr std::array kIpProtocols{model::IpProtocol::any, model::IpProtocol::ipv4,
                                  model::IpProtocol::ipv6};
constexpr std::array kAddressSelections{model::AddressSelection::all,
                                        model::AddressSelection::first};

// "source_address " — most messages begin with the key.
std::string about(const Field& field) { return std::string(field.key) + " "; }

std::string duration_text(std::int64_t count) { return base::format_duration(milliseconds(count)); }

const char* kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return "";
}

bool is_scalar(const Node& node, const Field& field, std::string_view wanted, Problems& problems) {
  if (node.kind == Node::Kind::scalar) return true;
  problems.add(node.mark,
               about(field) + "has " + kind_name(node.kind) + "; write " + std::string(wanted));
  return false;
}

bool is_list(const Node& node, const Field& field, std::string_view example, Problems& problems) {
  if (node.kind != Node::Kind::list) {
    problems.add(node.mark, about(field) + "has " + kind_name(node.kind) +
                                "; write a list such as " + std::string(example));
    return false;
  }
  auto count = static_cast<std::int64_t>(node.children.size());
  if (count < field.range.low) {
    problems.add(node.mark,
                 about(field) + "is empty; write at least one, such as " + std::string(example));
    return false;
  }
  if (count > field.range.high) {
    problems.add(node.mark, about(field) + "has " + std::to_string(count) + " entries; at most " +
                                std::to_string(field.range.high) + " are allowed");
    return false;
  }
  return true;
}

// Reads each entry with `read(const Node&)` → std::optional; entries may not be there twice.
template <typename T, typename Read>
void read_list(const Node& node, const Field& field, std::string_view example,
               std::vector<T>& value, Problems& problems, const Read& read) {
  if (!is_list(node, field, example, problems)) return;
  std::vector<T> entries;
  entries.reserve(node.children.size());
  for (const auto& child : node.children) {
    auto wanted = "entries such as those of " + std::string(example);
    if (!is_scalar(child, field, wanted, problems)) return;
    auto entry = read(child);
    if (!entry) return;
    if (std::find(entries.begin(), entries.end(), *entry) != entries.end()) {
      problems.add(child.mark, about(field) + "has " + quote(child.text) + " twice");
      return;
    }
    entries.push_back(std::move(*entry));
  }
  value = std::move(entries);
}

template <typename Enum, std::size_t N>
std::string list_names(const std::array<Enum, N>& values) {
  std::string text;
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0) text += i + 1 < N ? ", " : " or ";
    text += name_of(values.at(i));
  }
  return text;
}

template <typename Enum, std::size_t N>
void read_name(const Node& node, const Field& field, const std::array<Enum, N>& values, Enum& value,
               Problems& problems) {
  if (!is_scalar(node, field, list_names(values), problems)) return;
  auto found = std::find_if(values.begin(), values.end(),
                            [&](Enum candidate) { return node.text == name_of(candidate); });
  if (found == values.end()) {
    problems.add(node.mark,
                 about(field) + quote(node.text) + " does not exist; write " + list_names(values));
    return;
  }
  value = *found;
}

bool is_algorithm_name(std::string_view name) {
  constexpr std::string_view kModifiers = "+-^";  // of lists in ssh_config(5)
  return !name.empty() && name.size() <= kAlgorithmNameLimit &&
         kModifiers.find(name.front()) == std::string_view::npos &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

bool is_label_name(std::string_view name) {
  auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool check_label_name(const Node& name, Problems& problems) {
  const auto label = "label name " + quote(name.text);
  if (!is_label_name(name.text)) {
    problems.add(name.mark, label + " is not valid; write letters, digits and _, no digit first");
  } else if (name.text.starts_with("__")) {
    problems.add(name.mark, label + " begins with __, which Prometheus keeps for itself");
  } else if (model::is_reserved_label(name.text)) {
    problems.add(name.mark, label + " is one of the exporter's own; choose another");
  } else if (name.text.size() > kLabelNameLimit) {
    problems.add(name.mark,
                 label + " is longer than " + std::to_string(kLabelNameLimit) + " characters");
  } else {
    return true;
  }
  return false;
}

bool check_label_value(const Node& name, const Node& value, Problems& problems) {
  const auto label = "label " + quote(name.text);
  if (value.kind != Node::Kind::scalar) {
    problems.add(value.kind == Node::Kind::null ? name.mark : value.mark,
                 label + " has " + kind_name(value.kind) + "; write a text, or \"\" for none");
  } else if (!base::is_valid_utf8(value.text)) {
    problems.add(value.mark, label + " is not valid UTF-8");
  } else if (value.text.size() > kLabelValueLimit) {
    problems.add(value.mark,
                 label + " is longer than " + std::to_string(kLabelValueLimit) + " bytes");
  } else {
    return true;
  }
  return false;
}

template <typename T, typename Print>
Printed print_list(const std::vector<T>& values, const Print& print) {
  Printed list;
  list.is_list = true;
  for (const auto& value : values) list.entries.push_back(print(value));
  return list;
}

std::string describe_list(std::string_view entries, Range range) {
  return "list of " + std::string(entries) + ", " + std::to_string(range.low) + " to " +
         std::to_string(range.high);
}

// What YAML 1.1 or 1.2 may take for something else than a text.
bool looks_typed(std::string_view text) {
  constexpr std::array<std::string_view, 11> kWords{"null", "true", "false", "yes", "no", "on",
                                                    "off",  "y",    "n",     "nan", "inf"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end() ||
         (text.find_first_of("0123456789+") == 0 &&
          text.find_first_not_of("0123456789abcdefABCDEFxo_.:+-") == std::string_view::npos);
}

}  // namespace

void read_value(const Node& node, const Field& field, base::Duration& value, Problems& problems) {
  if (!is_scalar(node, field, "a duration such as 15s or 1m30s", problems)) return;
  auto duration = base::parse_duration(node.text);
  if (!duration) {
    problems.add(node.mark, about(field) + duration.error());
    return;
  }
  if (*duration < milliseconds(field.range.low) || *duration > milliseconds(field.range.high)) {
    problems.add(node.mark, about(field) + quote(node.text) + " is out of range; write " +
                                duration_text(field.range.low) + " to " +
                                duration_text(field.range.high));
    return;
  }
  value = *duration;
}

void read_value(const Node& node, const Field& field, bool& value, Problems& problems) {
  if (!is_scalar(node, field, "true or false", problems)) return;
  if (node.text != "true" && node.text != "false") {
    problems.add(node.mark, about(field) + quote(node.text) + " is neither true nor false");
    return;
  }
  value = node.text == "true";
}

void read_value(const Node& node, const Field& field, model::Depth& value, Problems& problems) {
  if (node.text == "host_key" || node.text == "login") {
    problems.add(node.mark, about(field) + quote(node.text) +
                                " is not in this version, whose deepest is kexinit; write " +
                                list_names(kDepths));
    return;
  }
  read_name(node, field, kDepths, value, problems);
}

void read_value(const Node& node, const Field& field, model::IpProtocol& value,
                Problems& problems) {
  read_name(node, field, kIpProtocols, value, problems);
}

void read_value(const Node& node, const Field& field, model::AddressSelection& value,
                Problems& problems) {
  read_name(node, field, kAddressSelections, value, problems);
}

void read_value(const Node& node, const Field& field, std::optional<base::IpAddress>& value,
                Problems& problems) {
  constexpr std::string_view kWanted = "an IPv4 or IPv6 address, or \"\" for the kernel's choice";
  if (!is_scalar(node, field, kWanted, problems)) return;
  if (node.text.empty()) {
    value.reset();
    return;
  }
  auto address = base::IpAddress::parse(node.text);
  if (!address) {
    problems.add(node.mark, about(field) + quote(node.text) + " is not an IP address; write " +
                                std::string(kWanted));
    return;
  }
  value = *address;
}

void read_value(const Node& node, const Field& field, std::vector<std::uint16_t>& value,
                Problems& problems) {
  read_list(node, field, "[443, 80]", value, problems,
            [&](const Node& entry) -> std::optional<std::uint16_t> {
              auto port = base::parse_integer<std::uint16_t>(entry.text);
              if (port && *port != 0) return port;
              problems.add(entry.mark,
                           about(field) + quote(entry.text) + " is not a port; write 1 to 65535");
              return std::nullopt;
            });
}

void read_value(const Node& node, const Field& field, std::vector<base::IpNetwork>& value,
                Problems& problems) {
  read_list(node, field, "[10.0.0.0/8, \"2001:db8::/32\"]", value, problems,
            [&](const Node& entry) {
              auto network = base::IpNetwork::parse(entry.text);
              if (!network) {
                problems.add(entry.mark, about(field) + quote(entry.text) +
                                             " is not a network; write for example 10.0.0.0/8");
              }
              return network;
            });
}

void read_value(const Node& node, const Field& field, base::HostPort& value, Problems& problems) {
  if (!is_scalar(node, field, "host, host:port or [ipv6]:port", problems)) return;
  auto parsed = base::parse_host_port(node.text, model::kSshPort);
  if (!parsed) {
    problems.add(node.mark, about(field) + parsed.error());
    return;
  }
  value = std::move(*parsed);
}

void read_value(const Node& node, const Field& field, Labels& value, Problems& problems) {
  if (node.kind != Node::Kind::map) {
    problems.add(node.mark, about(field) + "has " + kind_name(node.kind) +
                                "; write a map such as {site: ams}");
    return;
  }
  if (static_cast<std::int64_t>(node.children.size() / 2) > field.range.high) {
    problems.add(node.mark, about(field) + "has " + std::to_string(node.children.size() / 2) +
                                " entries; at most " + std::to_string(field.range.high) +
                                " are allowed");
    return;
  }
  Labels labels;
  labels.reserve(node.children.size() / 2);
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const auto& name = node.children[i];
    const auto& text = node.children[i + 1];
    if (!check_label_name(name, problems) || !check_label_value(name, text, problems)) return;
    labels.emplace_back(name.text, text.text);
  }
  std::sort(labels.begin(), labels.end());
  value = std::move(labels);
}

void read_algorithms(const Node& node, const Field& field, std::vector<std::string>& value,
                     Problems& problems) {
  const std::string example = "[" + value.front() + "]";
  read_list(node, field, example, value, problems,
            [&](const Node& entry) -> std::optional<std::string> {
              if (is_algorithm_name(entry.text)) return entry.text;
              problems.add(entry.mark,
                           about(field) + quote(entry.text) +
                               " is not one algorithm; write each name as an entry of its own, "
                               "without +, - or ^");
              return std::nullopt;
            });
}

void read_patterns(const Node& node, const Field& field, std::vector<std::string>& value,
                   Problems& problems) {
  read_list(node, field, "[targets/*.yml]", value, problems,
            [&](const Node& entry) -> std::optional<std::string> {
              std::filesystem::path path(entry.text);
              std::string_view wrong;
              if (!path.has_filename() || entry.text.find('\0') != std::string::npos) {
                wrong = " names no file; write for example targets/*.yml";
              } else if (entry.text.size() > kPatternBytesLimit) {
                wrong = " is longer than a path can be";
              } else if (path.parent_path().string().find_first_of("*?[") != std::string::npos) {
                wrong = " has a wildcard in a directory; only the last part may have them";
              } else {
                return entry.text;
              }
              problems.add(entry.mark, about(field) + quote(entry.text) + std::string(wrong));
              return std::nullopt;
            });
}

void read_path(const Node& node, const Field& field, bool may_be_empty, std::string& value,
               Problems& problems) {
  const bool empty = node.text.empty() && may_be_empty;
  const bool scalar = node.kind == Node::Kind::scalar || (node.kind == Node::Kind::null && empty);
  if (!scalar) {
    problems.add(node.mark, about(field) + "must be one path");
  } else if (!empty && !node.text.starts_with('/')) {
    problems.add(node.mark, about(field) + quote(node.text) + " is no absolute path");
  } else if (node.text.size() > kPatternBytesLimit || node.text.find('\0') != std::string::npos) {
    problems.add(node.mark, about(field) + "is longer than a path can be");
  } else {
    value = node.text;
  }
}

std::string print_text(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@:+-*";
  constexpr std::string_view kHex = "0123456789abcdef";
  // A colon is plain inside a word only.
  bool plain = !text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos &&
               std::string_view("-:@.*").find(text.front()) == std::string_view::npos &&
               text.back() != ':' && !looks_typed(text);
  if (plain) return std::string(text);
  std::string result = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      result += "\\x";
      result += kHex[byte >> 4U];
      result += kHex[byte & 0xfU];
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string Printed::on_one_line() const {
  if (!is_list) return text;
  std::string line = "[";
  for (const auto& entry : entries) {
    if (line.size() > 1) line += ", ";
    line += entry;
  }
  return line + "]";
}

Printed print_value(base::Duration value) { return base::format_duration(value); }
Printed print_value(bool value) { return value ? "true" : "false"; }
Printed print_value(model::Depth value) { return name_of(value); }
Printed print_value(model::IpProtocol value) { return name_of(value); }
Printed print_value(model::AddressSelection value) { return name_of(value); }
Printed print_value(const std::optional<base::IpAddress>& value) {
  return value ? print_text(value->to_string()) : "\"\"";
}
Printed print_value(const std::vector<std::uint16_t>& value) {
  return print_list(value, [](std::uint16_t port) { return std::to_string(port); });
}
Printed print_value(const std::vector<base::IpNetwork>& value) {
  return print_list(value, [](const auto& network) { return print_text(network.to_string()); });
}
Printed print_value(const std::vector<std::string>& value) { return print_list(value, print_text); }
Printed print_value(const base::HostPort& value) {
  return print_text(base::format_host_port(value.host, value.port));
}
Printed print_value(const Labels& value) {
  std::string text = "{";
  for (const auto& [name, label] : value) {
    if (text.size() > 1) text += ", ";
    text += print_text(name);
    text += ": ";
    text += print_text(label);
  }
  return text + "}";
}

std::string describe(base::Duration /*example*/, Range range) {
  return "duration, " + duration_text(range.low) + " to " + duration_text(range.high);
}
std::string describe(bool /*example*/, Range /*range*/) { return "true or false"; }
std::string describe(model::Depth /*example*/, Range /*range*/) { return list_names(kDepths); }
std::string describe(model::IpProtocol /*example*/, Range /*range*/) {
  return list_names(kIpProtocols);
}
std::string describe(model::AddressSelection /*example*/, Range /*range*/) {
  return list_names(kAddressSelections);
}
std::string describe(const std::optional<base::IpAddress>& /*example*/, Range /*range*/) {
  return "IP address";
}
std::string describe(const std::vector<std::uint16_t>& /*example*/, Range range) {
  return describe_list("ports", range);
}
std::string describe(const std::vector<base::IpNetwork>& /*example*/, Range range) {
  return describe_list("networks", range);
}
std::string describe(const std::vector<std::string>& /*example*/, Range range) {
  return describe_list("texts", range);
}
std::string describe(const base::HostPort& /*example*/, Range /*range*/) {
  return "host, host:port or [ipv6]:port";
}
std::string describe(const Labels& /*example*/, Range range) {
  return "map of texts, at most " + std::to_string(range.high);
}

}  // namespace config
