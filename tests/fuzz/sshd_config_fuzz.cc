// Hostile configurations and keys: read without harm, bounded and printable, and the same again
// when a line that was read is written down anew.
#include <string>

#include "base/text.h"
#include "fuzz/split.h"
#include "local/dropbear_options.h"
#include "local/host_keys.h"
#include "local/server_program.h"
#include "local/sshd_check.h"
#include "local/sshd_settings.h"

namespace {

void require_sane(const local::SshdSettings& settings) {
  fuzz::require(settings.config.ports.size() <= local::kPortLimit);
  fuzz::require(settings.config.listen.size() <= local::kListenLimit);
  fuzz::require(settings.host_keys.size() <= local::kHostKeyLimit);
  for (const auto port : settings.config.ports) fuzz::require(port != 0);
  for (const auto& endpoint : settings.config.listen) fuzz::require(endpoint.port != 0);
  for (const auto& text : settings.unknown) fuzz::require(base::is_valid_utf8(text));
}

// With every word in quotes; words that quotes cannot hold are left alone.
std::string write_down(const local::ConfigLine& line) {
  std::string text = "\"" + line.keyword + "\"";
  for (const auto& word : line.arguments) {
    if (word.find_first_of("\"'\\") != std::string::npos) return {};
    text += " \"" + word + "\"";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = local::split_config(text, "f");
  for (const auto& line : lines) {
    fuzz::require(!line.keyword.empty());
    const auto written = write_down(line);
    if (written.empty() || line.arguments.empty()) continue;
    const auto again = local::split_config_line(written);
    fuzz::require(again && again->keyword == line.keyword && again->arguments == line.arguments);
  }
  require_sane(local::interpret_settings(lines, nullptr));
  require_sane(local::interpret_settings(local::effective_lines(text), nullptr));
  static_cast<void>(local::find_service(text, "ssh"));
  static_cast<void>(local::parse_sshd_time(text));
  const auto key = local::inspect_key(text);
  fuzz::require(key.usable != true || key.problem.empty());
  local::ProgramEnd end;
  end.exit_status = 255;
  end.err = text;
  if (auto check = local::interpret_check(end, "/etc/ssh/sshd_config")) {
    fuzz::require(base::is_valid_utf8(check->message) && check->message.size() <= 300);
    fuzz::require(base::is_valid_utf8(check->file) && base::is_valid_utf8(check->directory));
  }
  static_cast<void>(local::rejected_host_keys(text));
  if (const auto words = local::split_arguments(text)) {
    static_cast<void>(local::sshd_options(*words));
    const auto options = local::dropbear_options(*words, nullptr);
    fuzz::require(options.ports.size() <= local::kDropbearPortLimit);
  }
  return 0;
}
