// The environment of a service and what systemd makes of $VARIABLES in a command line. Pure
// functions; how words and files are read is what systemd 252 to 257 do, not what a shell does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace local {

using Environment = std::map<std::string, std::string, std::less<>>;

// A backslash at the end of a comment took the next line into the comment before systemd 254.
enum class CommentLines : bool { end_at_newline, continue_after_backslash };

// Adds what the text of an EnvironmentFile= sets; the last assignment of a name wins. Lines that
// are no assignment are passed over, as systemd does.
void add_environment_file(std::string_view text, CommentLines comments, Environment& environment);
// Adds NAME=VALUE; anything else is passed over.
void add_assignment(std::string_view assignment, Environment& environment);
// Takes out NAME, or NAME=VALUE if it has that value, as UnsetEnvironment= does.
void remove_assignment(std::string_view assignment, Environment& environment);

// A word that is $NAME alone becomes as many words as its value has; ${NAME} is put in within its
// word; $$ is a dollar sign. Names that are not set are empty.
std::vector<std::string> expand_words(const std::vector<std::string>& words,
                                      const Environment& environment);

}  // namespace local
