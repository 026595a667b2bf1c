#include "local/unit_properties.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace local {

namespace {

// systemd's own limit for a unit's name (UNIT_NAME_MAX).
constexpr std::size_t kNameLimit = 256;
// A condition's parameter is a path in most cases (PATH_MAX), too long for a person beyond this.
constexpr std::size_t kConditionLimit = 512;
constexpr std::size_t kPathConditions = 16;
// As far as lists are kept; a unit of an SSH server has a handful of each.
constexpr std::size_t kListLimit = 256;
// A word of a command line or a variable: Linux's MAX_ARG_STRLEN is 128 KiB, options are short.
constexpr std::size_t kWordLimit = 16384;

template <typename T>
void add_bounded(std::vector<T>& list, T item, UnitProperties& properties) {
  if (list.size() < kListLimit) {
    list.push_back(std::move(item));
  } else {
    properties.malformed = true;
  }
}

int read_text(sd_bus_message* message, std::string& text) {
  const char* value = nullptr;
  const int result = sd_bus_message_read_basic(message, 's', &value);
  if (result >= 0) text = base::printable(value, kNameLimit);
  return result;
}

int read_flag(sd_bus_message* message, bool& flag) {
  int value = 0;
  const int result = sd_bus_message_read_basic(message, 'b', &value);
  flag = value != 0;
  return result;
}

int read_names(sd_bus_message* message, std::vector<std::string>& names,
               UnitProperties& properties) {
  int result = sd_bus_message_enter_container(message, 'a', "s");
  const char* value = nullptr;
  while (result >= 0 && (result = sd_bus_message_read_basic(message, 's', &value)) > 0) {
    add_bounded(names, base::printable(value, kNameLimit), properties);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

// Bytes as they are: whether they are fit to be shown is asked once the command line is complete.
int read_words(sd_bus_message* message, std::vector<std::string>& words,
               UnitProperties& properties) {
  int result = sd_bus_message_enter_container(message, 'a', "s");
  const char* value = nullptr;
  while (result >= 0 && (result = sd_bus_message_read_basic(message, 's', &value)) > 0) {
    std::string word(value);
    if (word.size() > kWordLimit) {
      properties.malformed = true;
      word.clear();
    }
    add_bounded(words, std::move(word), properties);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

int read_count(sd_bus_message* message, std::uint64_t& count) {
  std::uint32_t value = 0;
  const int result = sd_bus_message_read_basic(message, 'u', &value);
  count = value;
  return result;
}

int read_process(sd_bus_message* message, pid_t& process) {
  std::uint32_t value = 0;
  const int result = sd_bus_message_read_basic(message, 'u', &value);
  process = static_cast<pid_t>(value);
  return result;
}

// CLOCK_REALTIME in microseconds; 0: never.
int read_time(sd_bus_message* message, std::optional<base::WallTime>& time) {
  // Later ones, which are none, would not fit into WallTime's nanoseconds.
  constexpr std::uint64_t kLast = 9'000'000'000'000'000;
  std::uint64_t value = 0;
  const int result = sd_bus_message_read_basic(message, 't', &value);
  if (value != 0 && value < kLast) {
    time = base::WallTime(std::chrono::microseconds(static_cast<std::int64_t>(value)));
  }
  return result;
}

// a(sbbsi): the condition, whether any one of its kind suffices ('|'), whether it is negated,
// its parameter, and its outcome: positive held, negative failed, 0 not checked.
int read_conditions(sd_bus_message* message, UnitProperties::Conditions& conditions) {
  std::string alternative;
  auto& failed = conditions.failed;
  failed.clear();
  conditions.paths.clear();
  int result = sd_bus_message_enter_container(message, 'a', "(sbbsi)");
  const char* name = nullptr;
  const char* parameter = nullptr;
  int trigger = 0;
  int negated = 0;
  int outcome = 0;
  while (result >= 0 && (result = sd_bus_message_read(message, "(sbbsi)", &name, &trigger, &negated,
                                                      &parameter, &outcome)) > 0) {
    const auto line =
        std::string(name) + '=' + (trigger != 0 ? "|" : "") + (negated != 0 ? "!" : "") + parameter;
    const bool of_path = std::string_view(name).ends_with("PathExists");
    if (of_path && trigger == 0 && conditions.paths.size() < kPathConditions) {
      conditions.paths.push_back({base::printable(line, kConditionLimit), parameter, negated == 0});
    }
    auto& text = trigger != 0 ? alternative : failed;
    if (outcome < 0 && text.empty()) text = base::printable(line, kConditionLimit);
  }
  if (failed.empty()) failed = alternative;
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

int read_networks(sd_bus_message* message, std::vector<std::string>& networks,
                  UnitProperties& properties) {
  int result = sd_bus_message_enter_container(message, 'a', "(iayu)");
  while (result >= 0 && (result = sd_bus_message_enter_container(message, 'r', "iayu")) > 0) {
    int family = 0;
    const void* bytes = nullptr;
    std::size_t size = 0;
    unsigned length = 0;
    result = sd_bus_message_read_basic(message, 'i', &family);
    if (result >= 0) result = sd_bus_message_read_array(message, 'y', &bytes, &size);
    if (result >= 0) result = sd_bus_message_read_basic(message, 'u', &length);
    if (result < 0) return result;
    auto text = network_text(family, bytes, size, length);
    if (text.empty()) return -EBADMSG;
    add_bounded(networks, std::move(text), properties);
    result = sd_bus_message_exit_container(message);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

// a(sasasttttuii): path, words, prefixes in words, four times, a process and its end.
int read_commands(sd_bus_message* message, UnitProperties& properties) {
  int result = sd_bus_message_enter_container(message, 'a', "(sasasttttuii)");
  while (result >= 0 &&
         (result = sd_bus_message_enter_container(message, 'r', "sasasttttuii")) > 0) {
    ExecCommand command;
    std::vector<std::string> prefixes;
    const char* path = nullptr;
    result = sd_bus_message_read_basic(message, 's', &path);
    if (result < 0) return result;
    command.path = path;
    result = read_words(message, command.words, properties);
    if (result >= 0) result = read_words(message, prefixes, properties);
    if (result >= 0) result = sd_bus_message_skip(message, "ttttuii");
    if (result < 0) return result;
    if (command.words.empty()) {
      command.words.push_back(command.path);
    } else {
      command.words.front() = command.path;
    }
    command.expand = std::find(prefixes.begin(), prefixes.end(), "no-env-expand") == prefixes.end();
    add_bounded(properties.commands, std::move(command), properties);
    result = sd_bus_message_exit_container(message);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

int read_environment_files(sd_bus_message* message, UnitProperties& properties) {
  int result = sd_bus_message_enter_container(message, 'a', "(sb)");
  const char* path = nullptr;
  int optional = 0;
  while (result >= 0 && (result = sd_bus_message_read(message, "(sb)", &path, &optional)) > 0) {
    add_bounded(properties.environment_files, EnvironmentFile{path, optional != 0}, properties);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

int read_listen(sd_bus_message* message, UnitProperties& properties) {
  int result = sd_bus_message_enter_container(message, 'a', "(ss)");
  const char* type = nullptr;
  const char* address = nullptr;
  while (result >= 0 && (result = sd_bus_message_read(message, "(ss)", &type, &address)) > 0) {
    if (std::string_view(type) != "Stream") continue;
    add_bounded(properties.streams, base::printable(address, kNameLimit), properties);
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

struct Property {
  std::string_view name;
  const char* type;
  int (*read)(sd_bus_message* message, UnitProperties& into);
};

using M = sd_bus_message*;
using P = UnitProperties;

constexpr std::array kProperties{
    Property{"Id", "s", [](M m, P& p) { return read_text(m, p.unit.name); }},
    Property{"Names", "as", [](M m, P& p) { return read_names(m, p.unit.aliases, p); }},
    Property{"LoadState", "s", [](M m, P& p) { return read_text(m, p.unit.load_state); }},
    Property{"ActiveState", "s", [](M m, P& p) { return read_text(m, p.unit.active_state); }},
    Property{"SubState", "s", [](M m, P& p) { return read_text(m, p.unit.sub_state); }},
    Property{"UnitFileState", "s", [](M m, P& p) { return read_text(m, p.unit.unit_file_state); }},
    Property{"Triggers", "as", [](M m, P& p) { return read_names(m, p.triggers, p); }},
    Property{"TriggeredBy", "as", [](M m, P& p) { return read_names(m, p.triggered_by, p); }},
    Property{"Conditions", "a(sbbsi)", [](M m, P& p) { return read_conditions(m, p.conditions); }},
    Property{"Asserts", "a(sbbsi)", [](M m, P& p) { return read_conditions(m, p.assertions); }},
    Property{"ConditionResult", "b", [](M m, P& p) { return read_flag(m, p.conditions.result); }},
    Property{"AssertResult", "b", [](M m, P& p) { return read_flag(m, p.assertions.result); }},
    Property{"ActiveEnterTimestamp", "t", [](M m, P& p) { return read_time(m, p.unit.activated); }},
    Property{"InactiveExitTimestamp", "t",
             [](M m, P& p) { return read_time(m, p.unit.last_attempt); }},
    Property{"StateChangeTimestamp", "t", [](M m, P& p) { return read_time(m, p.unit.changed); }},
    Property{"Result", "s", [](M m, P& p) { return read_text(m, p.unit.result); }},
    Property{"IPAddressAllow", "a(iayu)",
             [](M m, P& p) { return read_networks(m, p.unit.ip_address_allow, p); }},
    Property{"IPAddressDeny", "a(iayu)",
             [](M m, P& p) { return read_networks(m, p.unit.ip_address_deny, p); }},
    Property{"ExecMainCode", "i",
             [](M m, P& p) { return sd_bus_message_read_basic(m, 'i', &p.service.exit_code); }},
    Property{"ExecMainStatus", "i",
             [](M m, P& p) { return sd_bus_message_read_basic(m, 'i', &p.service.exit_status); }},
    Property{"NRestarts", "u", [](M m, P& p) { return read_count(m, p.service.restarts); }},
    Property{"MainPID", "u", [](M m, P& p) { return read_process(m, p.service.main_pid); }},
    Property{"ExecStartEx", "a(sasasttttuii)", read_commands},
    Property{"Environment", "as", [](M m, P& p) { return read_words(m, p.environment, p); }},
    Property{"UnsetEnvironment", "as",
             [](M m, P& p) { return read_words(m, p.unset_environment, p); }},
    Property{"EnvironmentFiles", "a(sb)", read_environment_files},
    Property{"Accept", "b", [](M m, P& p) { return read_flag(m, p.accept); }},
    Property{"BindIPv6Only", "s", [](M m, P& p) { return read_text(m, p.bind_ipv6_only); }},
    Property{"SocketProtocol", "i",
             [](M m, P& p) { return sd_bus_message_read_basic(m, 'i', &p.socket_protocol); }},
    Property{"Listen", "a(ss)", read_listen},
};

}  // namespace

int add_property(sd_bus_message* answer, std::string_view name, UnitProperties& properties) {
  const auto* found = std::find_if(kProperties.begin(), kProperties.end(),
                                   [&](const Property& row) { return row.name == name; });
  if (found == kProperties.end()) return sd_bus_message_skip(answer, "v");
  int result = sd_bus_message_enter_container(answer, 'v', found->type);
  if (result >= 0) result = found->read(answer, properties);
  return result < 0 ? result : sd_bus_message_exit_container(answer);
}

int add_properties(sd_bus_message* answer, UnitProperties& properties) {
  int result = sd_bus_message_enter_container(answer, 'a', "{sv}");
  while (result >= 0 && (result = sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
    const char* name = nullptr;
    result = sd_bus_message_read_basic(answer, 's', &name);
    if (result >= 0) result = add_property(answer, name, properties);
    if (result < 0) return result;
    result = sd_bus_message_exit_container(answer);
  }
  return result < 0 ? result : sd_bus_message_exit_container(answer);
}

std::string network_text(int family, const void* bytes, std::size_t size, unsigned prefix_length) {
  const std::size_t wanted = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if ((family != AF_INET && family != AF_INET6) || size != wanted || prefix_length > wanted * 8 ||
      inet_ntop(family, bytes, text.data(), text.size()) == nullptr) {
    return {};
  }
  return std::string(text.data()) + '/' + std::to_string(prefix_length);
}

}  // namespace local
