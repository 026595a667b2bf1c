#include "config/configuration.h"

#include <system_error>
#include <utility>

#include "config/document.h"
#include "config/file_text.h"
#include "config/options.h"
#include "config/section.h"
#include "config/target_set.h"

namespace config {

namespace {

void add_default_module(Configuration& configuration) {
  configuration.modules.try_emplace(
      "default", std::make_shared<const model::ProbeSettings>(configuration.probe));
}

template <typename T>
void document(std::span<const Option<T>> options, std::string& markdown) {
  const T defaults{};
  markdown += "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const auto& option : options) {
    markdown.append("| `").append(option.key).append("` | ");
    markdown.append(option.describe(option.range)).append(" | ");
    if (option.required)
      markdown += "required";
    else
      markdown.append("`").append(option.print(defaults).on_one_line()).append("`");
    markdown += " | ";
    markdown.append(option.help).append(" |\n");
  }
}

}  // namespace

std::vector<base::IpNetwork> all_networks() {
  return {*base::IpNetwork::parse("0.0.0.0/0"), *base::IpNetwork::parse("::/0")};
}

base::Result<Configuration> load(const std::filesystem::path& file) {
  auto text = read_text(file);
  if (!text) return base::Error{text.error()};
  return parse(*text, file.string(), file.parent_path());
}

base::Result<Configuration> parse(const std::string& yaml, const std::string& name,
                                  const std::filesystem::path& directory) {
  Problems problems(name);
  Configuration configuration;
  auto document = read_document(yaml, problems);
  if (!problems.none()) return problems.error();
  std::error_code no_working_directory;
  auto absolute =
      std::filesystem::absolute(directory.empty() ? "." : directory, no_working_directory);
  if (no_working_directory) absolute = directory;
  if (document.kind != Node::Kind::null) {
    std::vector<std::string_view> keys;
    for (const auto& section : sections()) keys.push_back(section.key);
    if (!check_map(document, "the configuration", keys, problems)) return problems.error();
    for (const auto& section : sections()) {
      const auto* node = document.find(section.key);
      if (node != nullptr) section.read(*node, configuration, {absolute, problems});
      if (!problems.none()) return problems.error();
    }
  }
  add_default_module(configuration);
  return configuration;
}

Configuration built_in() {
  Configuration configuration;
  TargetSet targets;
  targets.add({"localhost", model::kSshPort}, {},
              std::make_shared<const model::ProbeSettings>(configuration.probe), {});
  configuration.targets = targets.take();
  add_default_module(configuration);
  return configuration;
}

std::string print(const Configuration& configuration) {
  std::string yaml;
  for (const auto& section : sections()) section.print(configuration, yaml);
  return yaml;
}

std::string reference() {
  std::string markdown = "| section | value | meaning |\n|---|---|---|\n";
  for (const auto& section : sections()) {
    markdown.append("| `").append(section.key).append("` | ").append(section.type);
    markdown.append(" | ").append(section.help).append(" |\n");
  }
  markdown += "\n`probe`, and also in each target and module:\n\n";
  document(probe_options(), markdown);
  markdown += "\nAn entry of `targets`, beside the keys of `probe`:\n\n";
  document(target_options(), markdown);
  markdown += "\nAn entry of `file_sd`:\n\n";
  document(file_sd_options(), markdown);
  markdown += "\n`probe_endpoint`:\n\n";
  document(probe_endpoint_options(), markdown);
  markdown += "\n`local`:\n\n";
  document(local_options(), markdown);
  return markdown;
}

}  // namespace config
