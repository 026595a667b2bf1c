// Reads sshd_config as sshd does: its quoting, Include with patterns, Match. Hides the grammar;
// what the keywords mean is known to sshd_settings.h. Pure but for read_sshd_config(), which reads
// files through the Host on the caller's thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local/host.h"

namespace local {

// A line that has a keyword.
struct ConfigLine {
  std::string keyword;  // in lower case
  std::vector<std::string> arguments;
  std::string file;  // empty: the command line
  int line = 0;
  bool in_match = false;  // within `Match all`, which overrides what stands outside
  bool operator==(const ConfigLine&) const = default;
};

// The words of a line after its keyword: quotes and backslashes resolved, a comment cut off.
// nullopt if a quote is not closed.
std::optional<std::vector<std::string>> split_arguments(std::string_view text);

// One line as in a file or after -o: `Keyword value`, `Keyword=value`, `"Keyword" value`. nullopt
// for a comment, an empty line, and what has no argument or an open quote (sshd refuses those).
std::optional<ConfigLine> split_config_line(std::string_view text);

// All lines of a file, Match and Include among them, numbered from 1. At most kConfigLineLimit.
std::vector<ConfigLine> split_config(std::string_view text, const std::string& file);

// The largest configuration in the wild that we know of has some thousand lines.
constexpr std::size_t kConfigLineLimit = 100'000;
// servconf.c gives up at the same depth.
constexpr int kIncludeDepthLimit = 16;
// sshd has no limit; two lines that include their own file ask for 2^16 reads.
constexpr std::size_t kIncludedFileLimit = 512;

struct SshdConfigText {
  std::vector<ConfigLine> lines;  // those that are in force outside of Match blocks, in order
  // Every file and directory that had a say, whether it exists or not.
  std::vector<std::string> inputs;
  std::string problem;  // why something could not be read; empty: all of it was
};

// The main file and what it includes. A missing main file is a problem, a missing included one not.
SshdConfigText read_sshd_config(const Host& host, const std::string& file);

}  // namespace local
