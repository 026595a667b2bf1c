// The targets of file_sd: finding the files, reading one, and putting all lists together.
#include <fnmatch.h>

#include <algorithm>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "config/configuration.h"
#include "config/document.h"
#include "config/file_text.h"
#include "config/limits.h"
#include "config/option.h"
#include "config/target_set.h"

namespace config {

namespace {

namespace fs = std::filesystem;

// The first kWarningLimit messages, then how many more there were.
class Warnings {
 public:
  void add(std::string message) {
    if (++count_ <= kWarningLimit) messages_.push_back(std::move(message));
  }
  [[nodiscard]] std::vector<std::string> take() {
    if (count_ > kWarningLimit) {
      messages_.push_back("and " + std::to_string(count_ - kWarningLimit) + " more of these");
    }
    return std::move(messages_);
  }

 private:
  std::vector<std::string> messages_;
  std::size_t count_ = 0;
};

// A group of a file: {targets: [...], labels: {...}}.
class GroupReader {
 public:
  GroupReader(const std::shared_ptr<const model::ProbeSettings>& settings, Problems& problems)
      : settings_(settings), problems_(problems) {}

  void read(Node& group) {
    constexpr std::array<std::string_view, 2> kKeys{"targets", "labels"};
    if (!check_map(group, "a group of targets", kKeys, problems_)) return;
    Labels labels;
    for (std::size_t i = 0; i < group.children.size(); i += 2) {
      if (group.children[i].text == "labels") read_labels(group.children[i + 1], labels);
    }
    const auto* targets = group.find("targets");
    if (targets == nullptr || targets->kind != Node::Kind::list) {
      problems_.add(targets == nullptr ? group.mark : targets->mark,
                    "a group of targets needs a list of them; write targets: [HOST, HOST:PORT]");
      return;
    }
    for (const auto& target : targets->children) {
      if (!problems_.none()) return;
      add(target, labels);
    }
  }

  [[nodiscard]] FileSdContent take() { return {targets_.take(), warnings_.take()}; }

 private:
  void read_labels(Node& node, Labels& labels) {
    if (node.kind == Node::Kind::null) return;
    if (node.kind == Node::Kind::map) drop_hidden(node.children);
    read_value(node, {"labels", {0, kLabelLimit}}, labels, problems_);
  }

  static void drop_hidden(std::vector<Node>& children) {
    std::vector<Node> kept;
    for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
      if (children[i].text.starts_with("__")) continue;
      kept.push_back(std::move(children[i]));
      kept.push_back(std::move(children[i + 1]));
    }
    children = std::move(kept);
  }

  void add(const Node& node, const Labels& labels) {
    base::HostPort endpoint;
    read_value(node, {"target", {}}, endpoint, problems_);
    if (!problems_.none()) return;
    if (targets_.targets().size() == kTargetLimit) {
      problems_.add(node.mark, "more than " + std::to_string(kTargetLimit) +
                                   " targets; divide them between exporters");
      return;
    }
    if (auto earlier = targets_.add(endpoint, labels, settings_, node.mark)) {
      warnings_.add(problems_.at(node.mark,
                                 "target '" + base::format_host_port(endpoint.host, endpoint.port) +
                                     "' is already at line " + std::to_string(earlier->line) +
                                     "; the first one counts"));
    }
  }

  const std::shared_ptr<const model::ProbeSettings>& settings_;
  Problems& problems_;
  TargetSet targets_;
  Warnings warnings_;
};

bool has_wildcard(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

void expand(const fs::path& pattern, std::vector<fs::path>& files,
            std::vector<std::string>* failures) {
  auto fail = [&](const std::string& what) {
    if (failures != nullptr) failures->push_back(pattern.string() + ": " + what);
  };
  const auto wanted = pattern.filename().string();
  std::error_code error;
  if (!has_wildcard(wanted)) {
    auto status = fs::status(pattern, error);
    if (fs::exists(status))
      files.push_back(pattern);
    else if (status.type() != fs::file_type::not_found)
      fail(error.message());
    return;
  }
  std::size_t matches = 0;
  fs::directory_iterator entry(pattern.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto& path = entry->path();
    if (fnmatch(wanted.c_str(), path.filename().c_str(), FNM_PERIOD) != 0) continue;
    std::error_code unknown;
    if (entry->is_directory(unknown)) continue;
    if (++matches > kMatchLimit) {
      fail("more than " + std::to_string(kMatchLimit) + " files; only so many are read");
      return;
    }
    files.push_back(path);
  }
  if (error && error != std::errc::no_such_file_or_directory) fail(error.message());
}

}  // namespace

base::Result<FileSdContent> load_file_sd(
    const fs::path& file, const std::shared_ptr<const model::ProbeSettings>& defaults) {
  auto text = read_text(file);
  if (!text) return base::Error{text.error()};
  return parse_file_sd(*text, file.string(), defaults);
}

base::Result<FileSdContent> parse_file_sd(
    const std::string& yaml, const std::string& name,
    const std::shared_ptr<const model::ProbeSettings>& defaults) {
  Problems problems(name);
  auto document = read_document(yaml, problems);
  GroupReader groups(defaults, problems);
  if (problems.none() && document.kind != Node::Kind::null) {
    if (document.kind != Node::Kind::list) {
      problems.add(document.mark,
                   "a target file is a list of groups; write - targets: [HOST, HOST:PORT]");
    }
    for (auto& group : document.children) {
      if (!problems.none()) break;
      groups.read(group);
    }
  }
  if (!problems.none()) return problems.error();
  return groups.take();
}

std::vector<fs::path> expand_patterns(const FileSdSource& source,
                                      std::vector<std::string>* failures) {
  std::vector<fs::path> files;
  for (const auto& pattern : source.patterns) expand(pattern, files, failures);
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::vector<std::shared_ptr<const model::Target>> merge(std::span<const TargetList> lists,
                                                        std::vector<std::string>& warnings) {
  Warnings found;
  std::vector<std::shared_ptr<const model::Target>> targets;
  std::unordered_map<std::string_view, const TargetList*> seen;
  for (const auto& list : lists) {
    for (const auto& target : list.targets) {
      auto [first, is_new] = seen.emplace(target->name, &list);
      if (!is_new) {
        found.add("target '" + target->name + "' of " + list.source + " is already in " +
                  first->second->source + "; the first one counts");
      } else if (targets.size() == kTargetLimit) {
        found.add("target '" + target->name + "' of " + list.source + " is left out: more than " +
                  std::to_string(kTargetLimit) + " targets");
      } else {
        targets.push_back(target);
      }
    }
  }
  warnings = found.take();
  return targets;
}

}  // namespace config
