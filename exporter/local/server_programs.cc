#include "local/server_programs.h"

#include <fcntl.h>
#include <strings.h>

#include <algorithm>
#include <cerrno>

#include "local/sshd_title.h"

namespace local {

namespace {

// A configuration of 10,000 lines.
constexpr std::size_t kConfigLimit = 1U << 20U;

// What execve(2) would make of a file.
enum class Program : std::uint8_t {
  missing,
  refused,  // not executable, or no program
  runs,     // as far as an ELF file and its libraries tell
  unclear,
};

struct ProgramFile {
  Program state = Program::unclear;
  std::optional<SshBinary> binary;
};

bool libraries_present(const RunningServer& server, const SshBinary& binary) {
  return std::all_of(
      binary.libraries.begin(), binary.libraries.end(), [&server](const std::string& library) {
        const auto& directories = server.library_directories;
        return std::any_of(directories.begin(), directories.end(), [&](const auto& directory) {
          return server.files.status(directory + '/' + library).has_value();
        });
      });
}

ProgramFile look_at(const RunningServer& server, const std::string& path, BinaryCache& cache) {
  ProgramFile result;
  const auto status = server.files.status(path);
  if (!status) {
    if (errno == ENOENT || errno == ENOTDIR) result.state = Program::missing;
    return result;
  }
  constexpr mode_t kExecutable = S_IXUSR | S_IXGRP | S_IXOTH;  // any will do for root
  if (S_ISDIR(status->st_mode) ||
      (S_ISREG(status->st_mode) && (status->st_mode & kExecutable) == 0)) {
    result.state = Program::refused;
    return result;
  }
  if (!S_ISREG(status->st_mode)) return result;
  const auto* binary = cache.look(server.files.open(path, O_RDONLY | O_NONBLOCK));
  if (binary == nullptr) return result;
  result.binary = *binary;
  if (binary->format == SshBinary::Format::other) result.state = Program::refused;
  if (binary->format == SshBinary::Format::elf && !binary->libraries.empty() &&
      libraries_present(server, *binary)) {
    result.state = Program::runs;
  }
  return result;
}

bool mentions_helper_options(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return text.find("sshdsessionpath") != std::string::npos ||
         text.find("sshdauthpath") != std::string::npos;
}

// Two options that are meant for OpenSSH's own tests name other helpers.
bool may_use_other_helpers(const RunningServer& server) {
  if (server.command.empty()) return true;
  if (std::any_of(server.command.begin(), server.command.end(), mentions_helper_options)) {
    return true;
  }
  auto path = option_value(server.command, 'f');
  if (path.empty()) path = "/etc/ssh/sshd_config";
  return mentions_helper_options(server.files.read(path, kConfigLimit).text);
}

// Before 9.8: the listener's child starts the file at argv[0] once more.
std::optional<bool> can_start_itself(const RunningServer& server, const SshBinary& running,
                                     const ProgramFile& file) {
  if (server.command.empty()) return std::nullopt;
  if (has_flag(server.command, 'r')) return true;  // it is told not to
  switch (file.state) {
    case Program::missing:
    case Program::refused:
      return true;
    case Program::runs:
    case Program::unclear:
      break;
  }
  if (!file.binary || file.binary->format != SshBinary::Format::elf) return std::nullopt;
  if (file.binary->one_binary == false) return false;
  // What is handed over differs between some releases.
  if (file.state == Program::runs && file.binary->one_binary == true &&
      file.binary->release == running.release) {
    return true;
  }
  return std::nullopt;
}

void inspect_helpers(const RunningServer& server, const SshBinary& running, BinaryCache& cache,
                     ServerPrograms& programs) {
  programs.can_start_children = true;
  for (const auto& path : {running.session_helper, running.auth_helper}) {
    if (path.empty()) continue;
    const auto helper = look_at(server, path, cache);
    const bool is_session = path == running.session_helper;
    if (is_session && helper.binary) programs.libwrap = helper.binary->libwrap;
    switch (helper.state) {
      case Program::missing:
      case Program::refused:
        programs.can_start_children = std::nullopt;
        if (may_use_other_helpers(server)) return;
        programs.can_start_children = false;
        if (helper.state == Program::missing) programs.missing_helper = path;
        return;
      case Program::runs:
        if (helper.binary->release != running.release) programs.can_start_children = std::nullopt;
        break;
      case Program::unclear:
        programs.can_start_children = std::nullopt;
        break;
    }
  }
}

}  // namespace

ServerPrograms inspect_programs(const RunningServer& server, BinaryCache& cache) {
  ServerPrograms programs;
  const auto file = look_at(server, server.path, cache);
  std::optional<SshBinary> running;
  struct stat own {};
  if (server.executable.valid() && ::fstat(server.executable.get(), &own) == 0) {
    const auto status = server.files.status(server.path);
    programs.replaced = status && !same_file(*status, own);
    if (const auto* binary = cache.look(server.executable)) running = *binary;
  }
  // Without the right to see what runs, what is installed is the best guess for its generation.
  const auto& known = running ? running : file.binary;
  if (!known) return programs;
  programs.one_binary = known->one_binary.value_or(true);
  programs.runtime_directory = known->runtime_directory;
  if (programs.one_binary) programs.libwrap = known->libwrap;
  if (!running || !running->one_binary) return programs;
  if (*running->one_binary) {
    programs.can_start_children = can_start_itself(server, *running, file);
  } else {
    inspect_helpers(server, *running, cache, programs);
  }
  return programs;
}

}  // namespace local
