#include "config/section.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "config/limits.h"
#include "config/options.h"
#include "config/target_set.h"

namespace config {

namespace {

using model::ProbeSettings;

// A flow list longer than this is printed with an entry a line.
constexpr std::size_t kLineLimit = 100;

// The keys of one map that override `defaults`.
ProbeSettings read_settings(const Node& map, const ProbeSettings& defaults, Problems& problems) {
  ProbeSettings settings = defaults;
  read_options(map, "", probe_options(), settings, problems);
  if (settings.timeout > settings.interval) {
    if (const auto* timeout = map.find("timeout")) {
      problems.add(timeout->mark, "timeout '" + base::format_duration(settings.timeout) +
                                      "' is longer than the interval of " +
                                      base::format_duration(settings.interval) +
                                      "; shorten it or lengthen interval");
    }
    settings.timeout = settings.interval;
  }
  return settings;
}

// Settings of many targets, each kept once: ten thousand targets rarely differ in more than a few
// ways, and each settings object with its algorithms is some 4 KB.
class SettingsPool {
 public:
  explicit SettingsPool(const ProbeSettings& defaults)
      : defaults_(std::make_shared<const ProbeSettings>(defaults)) {}

  std::shared_ptr<const ProbeSettings> read(const Node& map, Problems& problems) {
    auto signature = signature_of(map);
    if (signature.empty()) return defaults_;
    auto& known = known_[signature];
    if (!known) {
      known = std::make_shared<const ProbeSettings>(read_settings(map, *defaults_, problems));
    }
    return known;
  }

 private:
  static std::string signature_of(const Node& map) {
    std::string signature;
    for (const auto& option : probe_options()) {
      const auto* value = map.find(option.key);
      if (value == nullptr) continue;
      signature.append(option.key);
      append(*value, signature);
    }
    return signature;
  }
  // Ambiguous texts are no danger: texts cannot hold a NUL and still be valid values.
  static void append(const Node& node, std::string& signature) {
    signature += '\0';
    signature += static_cast<char>('0' + static_cast<int>(node.kind));
    signature += node.text;
    for (const auto& child : node.children) append(child, signature);
    signature += '\0';
  }

  std::shared_ptr<const ProbeSettings> defaults_;
  std::unordered_map<std::string, std::shared_ptr<const ProbeSettings>> known_;
};

// Nothing after a section's key is an empty section: its lines may be commented out.
bool is_list(const Node& node, std::string_view where, std::size_t limit, std::string_view example,
             Problems& problems) {
  if (node.kind == Node::Kind::null) return false;
  if (node.kind != Node::Kind::list) {
    problems.add(node.mark,
                 std::string(where) + " must be a list, lines of " + std::string(example));
    return false;
  }
  if (node.children.size() > limit) {
    problems.add(node.mark, std::string(where) + " has " + std::to_string(node.children.size()) +
                                " entries; at most " + std::to_string(limit) + " are allowed");
    return false;
  }
  return true;
}

void read_probe(const Node& node, Configuration& into, const SectionContext& context) {
  static const auto kKeys = keys_of(probe_options());
  if (node.kind == Node::Kind::null) return;
  if (!check_map(node, "probe", kKeys, context.problems)) return;
  into.probe = read_settings(node, into.probe, context.problems);
}

void read_targets(const Node& node, Configuration& into, const SectionContext& context) {
  static const auto kKeys = keys_of(target_options(), probe_options());
  auto& problems = context.problems;
  if (!is_list(node, "targets", kTargetLimit, "- target: HOST", problems)) return;
  SettingsPool pool(into.probe);
  TargetSet targets;
  for (const auto& child : node.children) {
    if (child.kind != Node::Kind::map) {
      problems.add(child.mark, "an entry of targets must be a map; write - target: HOST");
    }
    if (!problems.none() || !check_map(child, "a target", kKeys, problems)) return;
    TargetEntry entry;
    read_options(child, "a target", target_options(), entry, problems);
    auto settings = pool.read(child, problems);
    if (!problems.none()) return;
    const auto mark = child.find("target")->mark;
    if (auto earlier = targets.add(entry.target, entry.labels, settings, mark)) {
      problems.add(mark, "target '" + base::format_host_port(entry.target.host, entry.target.port) +
                             "' is already at line " + std::to_string(earlier->line) +
                             "; remove one of them");
      return;
    }
  }
  into.targets = targets.take();
}

void read_file_sd(const Node& node, Configuration& into, const SectionContext& context) {
  static const auto kKeys = keys_of(file_sd_options());
  auto& problems = context.problems;
  if (!is_list(node, "file_sd", kPatternLimit, "- files: [targets/*.yml]", problems)) return;
  for (const auto& child : node.children) {
    if (!check_map(child, "an entry of file_sd", kKeys, problems)) return;
    FileSdSource source;
    read_options(child, "an entry of file_sd", file_sd_options(), source, problems);
    for (auto& pattern : source.patterns) {
      pattern = (context.directory / pattern).lexically_normal().string();
    }
    into.file_sd.push_back(std::move(source));
  }
}

bool is_module_name(std::string_view name) {
  return !name.empty() && name.size() <= kModuleNameLimit &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

void read_modules(const Node& node, Configuration& into, const SectionContext& context) {
  static const auto kKeys = keys_of(probe_options());
  auto& problems = context.problems;
  if (node.kind == Node::Kind::null) return;
  if (node.kind != Node::Kind::map) {
    problems.add(node.mark, "modules must be a map, lines of NAME: {KEY: VALUE}");
    return;
  }
  if (node.children.size() / 2 > kModuleLimit) {
    problems.add(node.mark, "modules has " + std::to_string(node.children.size() / 2) +
                                " entries; at most " + std::to_string(kModuleLimit) +
                                " are allowed");
    return;
  }
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const auto& name = node.children[i];
    const auto& settings = node.children[i + 1];
    const auto where = "module '" + base::printable(name.text, kModuleNameLimit) + "'";
    if (!is_module_name(name.text)) {
      problems.add(name.mark, where + " has no valid name; write 1 to " +
                                  std::to_string(kModuleNameLimit) +
                                  " letters, digits, _, - and .");
      return;
    }
    bool empty = settings.kind == Node::Kind::null;
    if (!empty && !check_map(settings, where, kKeys, problems)) return;
    into.modules[name.text] = std::make_shared<const ProbeSettings>(
        empty ? into.probe : read_settings(settings, into.probe, problems));
  }
}

void read_probe_endpoint(const Node& node, Configuration& into, const SectionContext& context) {
  static const auto kKeys = keys_of(probe_endpoint_options());
  if (node.kind == Node::Kind::null) return;
  if (!check_map(node, "probe_endpoint", kKeys, context.problems)) return;
  read_options(node, "probe_endpoint", probe_endpoint_options(), into.probe_endpoint,
               context.problems);
}

void read_local(const Node& node, Configuration& into, const SectionContext& context) {
  static const auto kKeys = keys_of(local_options());
  if (node.kind == Node::Kind::null) return;
  if (!check_map(node, "local", kKeys, context.problems)) return;
  read_options(node, "local", local_options(), into.local, context.problems);
}

// "KEY: VALUE" at an indentation; a list too long for a line becomes an entry a line.
void print_line(std::string_view indent, std::string_view key, const Printed& value,
                std::string& yaml) {
  yaml.append(indent).append(key).append(":");
  const auto line = value.on_one_line();
  if (!value.is_list || indent.size() + key.size() + line.size() <= kLineLimit) {
    yaml.append(" ").append(line).append("\n");
    return;
  }
  yaml += '\n';
  for (const auto& entry : value.entries) {
    yaml.append(indent).append("  - ").append(entry).append("\n");
  }
}

// What differs from `defaults`.
void print_settings(std::string_view indent, const ProbeSettings& settings,
                    const ProbeSettings& defaults, std::string& yaml) {
  if (settings == defaults) return;
  for (const auto& option : probe_options()) {
    auto value = option.print(settings);
    if (value != option.print(defaults)) print_line(indent, option.key, value, yaml);
  }
}

void print_probe(const Configuration& from, std::string& yaml) {
  yaml += "probe:\n";
  for (const auto& option : probe_options()) {
    print_line("  ", option.key, option.print(from.probe), yaml);
  }
}

void print_targets(const Configuration& from, std::string& yaml) {
  yaml += from.targets.empty() ? "targets: []\n" : "targets:\n";
  for (const auto& target : from.targets) {
    yaml += "  - target: " + print_text(target->name) + "\n";
    if (!target->labels.empty()) print_line("    ", "labels", print_value(target->labels), yaml);
    print_settings("    ", *target->settings, from.probe, yaml);
  }
}

void print_file_sd(const Configuration& from, std::string& yaml) {
  yaml += from.file_sd.empty() ? "file_sd: []\n" : "file_sd:\n";
  for (const auto& source : from.file_sd) {
    // A list item's first line: the key stands after its dash.
    std::string lines;
    for (const auto& option : file_sd_options()) {
      print_line("    ", option.key, option.print(source), lines);
    }
    yaml += "  - " + lines.substr(4);
  }
}

void print_modules(const Configuration& from, std::string& yaml) {
  yaml += "modules:\n";
  for (const auto& [name, settings] : from.modules) {
    yaml += "  " + print_text(name) + ":";
    std::string lines;
    print_settings("    ", *settings, from.probe, lines);
    yaml += lines.empty() ? " {}\n" : "\n" + lines;
  }
}

void print_probe_endpoint(const Configuration& from, std::string& yaml) {
  yaml += "probe_endpoint:\n";
  for (const auto& option : probe_endpoint_options()) {
    print_line("  ", option.key, option.print(from.probe_endpoint), yaml);
  }
}

void print_local(const Configuration& from, std::string& yaml) {
  yaml += "local:\n";
  for (const auto& option : local_options()) {
    print_line("  ", option.key, option.print(from.local), yaml);
  }
}

constexpr std::array<Section, 6> kSections{{
    {"probe", "map", "Defaults of all targets and modules; each of them may override any key",
     read_probe, print_probe},
    {"targets", "list of targets", "What to probe", read_targets, print_targets},
    {"file_sd", "list of maps", "Files with more targets", read_file_sd, print_file_sd},
    {"modules", "map by name", "Settings for /probe?module=NAME; `default` is there in any case",
     read_modules, print_modules},
    {"probe_endpoint", "map", "Who may have what probed by /probe", read_probe_endpoint,
     print_probe_endpoint},
    {"local", "map", "What is watched of this host's own SSH server", read_local, print_local},
}};

}  // namespace

std::span<const Section> sections() { return kSections; }

}  // namespace config
