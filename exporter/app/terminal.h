// A finding for a person's eyes: colours on a terminal, none elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/cause.h"

namespace app {

struct Finding {
  std::string_view subject;
  std::string_view good;  // what is said in place of the cause `none`
  model::Cause cause = model::Cause::unknown;
  model::Confidence confidence = model::Confidence::possible;
  const std::vector<std::string>& evidence;
  std::string_view fix;
};
void print_finding(const Finding& finding);

// A heading and its lines; nothing if there are none.
void print_section(std::string_view heading, const std::vector<std::string>& lines);

}  // namespace app
