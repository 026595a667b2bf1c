// One row of an option table: what parses an option, refuses it, prints it and documents it.
// T is the struct that the option fills.
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/value.h"

namespace config {

template <typename T>
struct Option {
  std::string_view key;
  Range range;
  std::string_view help;
  void (*read)(const Node& node, const Field& field, T& into, Problems& problems);
  Printed (*print)(const T& from);
  std::string (*describe)(Range range);  // type and range
  bool required = false;
};

// The row of a plain member; how to read, print and describe it follows from its type.
template <auto kMember, typename T, typename V>
constexpr Option<T> make_option(V T::* /*member*/, std::string_view key, Range range,
                                std::string_view help, bool required) {
  return {key,
          range,
          help,
          [](const Node& node, const Field& field, T& into, Problems& problems) {
            read_value(node, field, into.*kMember, problems);
          },
          [](const T& from) { return print_value(from.*kMember); },
          [](Range limits) { return describe(V{}, limits); },
          required};
}
template <auto kMember>
constexpr auto option(std::string_view key, Range range, std::string_view help,
                      bool required = false) {
  return make_option<kMember>(kMember, key, range, help, required);
}

template <typename... T>
std::vector<std::string_view> keys_of(std::span<const Option<T>>... options) {
  std::vector<std::string_view> keys;
  (std::transform(options.begin(), options.end(), std::back_inserter(keys),
                  [](const auto& option) { return option.key; }),
   ...);
  return keys;
}

// False, with a problem, if it is no map or has a key that is not among `keys`. `where` is the
// place in words: "unknown key 'intervall' in probe".
bool check_map(const Node& node, std::string_view where, std::span<const std::string_view> keys,
               Problems& problems);

// Of a checked map. In the table's order, whatever the file's: a later option may need an earlier
// one.
template <typename T>
void read_options(const Node& map, std::string_view where, std::span<const Option<T>> options,
                  T& into, Problems& problems) {
  for (const auto& option : options) {
    if (const auto* value = map.find(option.key)) {
      option.read(*value, {option.key, option.range}, into, problems);
    } else if (option.required) {
      std::string text(where);
      text.append(" has no key '").append(option.key).append("'; write ");
      problems.add(map.mark,
                   text.append(option.key).append(": ").append(option.describe(option.range)));
    }
  }
}

}  // namespace config
